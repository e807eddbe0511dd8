/* SPDX-License-Identifier: MIT */
/* Configuration files: what each key does, what each mistake is told, and that layout means
 * nothing. */
#include "run.h"
#include <stdio.h>
#include <string.h>
#include "reading.h"
#include "toolstack/config_keys.h"

#define NEEDED "name = \"g\"\nkernel = \"k\"\nmemory = 64\n" /* three lines */
#define ALL    UINT64_MAX

static bool read_text(const char *text)
{
    return read_bytes(text, strlen(text), NULL);
}

/* The needed ones, and these lines; it is taken without a word. */
static void take(const char *lines)
{
    char text[4096];

    snprintf(text, sizeof(text), NEEDED "%s", lines);
    bool taken = read_text(text);
    ck_assert_msg(taken && !report.nr_errors && !report.nr_warnings, "%s: %s%s", lines,
                  report.nr_errors ? report.errors[0].text : "",
                  report.nr_warnings ? report.warnings[0].text : "");
}

static void check_one_error(const char *text, const char *wanted)
{
    ck_assert_msg(report.nr_errors == 1, "%u errors for: %s", report.nr_errors, text);
    ck_assert_str_eq(report.errors[0].text, wanted);
}

/* The needed ones, and from line 4 on these: one error. */
static void refused(const char *lines, const char *wanted)
{
    char text[4096];

    snprintf(text, sizeof(text), NEEDED "%s", lines);
    ck_assert_msg(!read_text(text), "taken: %s", lines);
    check_one_error(lines, wanted);
}

/* --- What is taken --- */

START_TEST(three_keys_are_enough_and_the_rest_has_defaults)
{
    take("");
    ck_assert_str_eq(config.name, "g");
    ck_assert_str_eq(config.kernel, "k");
    ck_assert_str_eq(config.ramdisk, "");
    ck_assert_str_eq(config.cmdline, "");
    ck_assert_uint_eq(config.memory_mib, 64);
    ck_assert_uint_eq(config.maxmem_mib, 64);
    ck_assert_uint_eq(config.vcpus, 1);
    ck_assert_uint_eq(config.maxvcpus, 1);
    ck_assert_int_eq(config.on_poweroff, CONFIG_DESTROY);
    ck_assert_int_eq(config.on_reboot, CONFIG_RESTART);
    ck_assert_int_eq(config.on_crash, CONFIG_DESTROY);
    ck_assert_int_eq(config.on_watchdog, CONFIG_DESTROY);
    ck_assert(!config.uuid_given);
    ck_assert_uint_eq(config.max_grant_frames, CONFIG_DEFAULT);
    ck_assert_uint_eq(config.max_maptrack_frames, CONFIG_DEFAULT);
    ck_assert_uint_eq(config.event_channels, 1023);
    ck_assert_uint_eq(config.disk.count + config.vif.count, 0);
    for (unsigned i = 0; i < CONFIG_VCPUS; i++)
        ck_assert(config.cpus.cpus[i] == ALL && config.cpus_soft.cpus[i] == ALL);
}
END_TEST

START_TEST(each_key_goes_where_it_belongs)
{
    ck_assert(read_text("name='web-1.a b'; type=\"pv\"; builder='generic'\n"
                        "kernel=\"boot/vmlinuz\"\nramdisk=\"boot/initrd\"\n"
                        "memory=128\nmaxmem=256\nvcpus=2\nmaxvcpus=4\n"
                        "on_poweroff='preserve'\non_reboot='rename-restart'\non_crash='restart'\n"
                        "on_watchdog='preserve'\n"
                        "uuid='00112233-4455-6677-8899-aAbBcCdDeEfF'\n"
                        "max_grant_frames=16\nmax_maptrack_frames=0\nevent_channels=4095\n"
                        "disk=['phy:/dev/vg/a,xvda,w',\n  'b' ,]\nvif=[]\n"));
    ck_assert_str_eq(config.name, "web-1.a b");
    ck_assert_str_eq(config.kernel, "boot/vmlinuz");
    ck_assert_str_eq(config.ramdisk, "boot/initrd");
    ck_assert_uint_eq(config.memory_mib, 128);
    ck_assert_uint_eq(config.maxmem_mib, 256);
    ck_assert_uint_eq(config.vcpus, 2);
    ck_assert_uint_eq(config.maxvcpus, 4);
    ck_assert_int_eq(config.on_poweroff, CONFIG_PRESERVE);
    ck_assert_int_eq(config.on_reboot, CONFIG_RENAME_RESTART);
    ck_assert_int_eq(config.on_crash, CONFIG_RESTART);
    ck_assert_int_eq(config.on_watchdog, CONFIG_PRESERVE);
    ck_assert(config.uuid_given);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_eq(config.uuid[i], i * 0x11);
    ck_assert_uint_eq(config.max_grant_frames, 16);
    ck_assert_uint_eq(config.max_maptrack_frames, 0);
    ck_assert_uint_eq(config.event_channels, 4095);
    ck_assert_uint_eq(config.disk.count, 2);
    ck_assert_str_eq(config.disk.text[0], "phy:/dev/vg/a,xvda,w");
    ck_assert_str_eq(config.disk.text[1], "b");
    ck_assert_uint_eq(config.vif.count, 0);
}
END_TEST

START_TEST(numbers_are_decimal_hexadecimal_or_octal_and_may_stand_in_quotes)
{
    static const struct {
        const char *line;
        uint32_t mib;
    } rows[] = { { "maxmem=100", 100 },  { "maxmem=0x64", 100 },       { "maxmem=0X6f", 111 },
                 { "maxmem=0144", 100 }, { "maxmem=\"100\"", 100 },    { "maxmem='0x64'", 100 },
                 { "maxmem=64", 64 },    { "maxmem=1048576", 1048576 } };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        take(rows[i].line);
        ck_assert_uint_eq(config.maxmem_mib, rows[i].mib);
    }
}
END_TEST

START_TEST(blanks_comments_and_line_ends_mean_nothing)
{
    static const char *const texts[] = {
        "name='g';kernel='k';memory=64",
        ";;\n\n name\t=  'g' # 'x'\n#memory=1\n;kernel='k';memory=64;",
        "name='g'\r\nkernel='k'#\r\nmemory=64\r\n",
        "name='g'\nkernel='k' # \xc3\xbc\xff\nmemory=64#",
        "name='g';kernel='k';memory=64;disk=[#a\r\n\r\n#b\n]",
    };

    for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
        ck_assert_msg(read_text(texts[i]), "%s: %s", texts[i], report.errors[0].text);
        ck_assert_str_eq(config.name, "g");
        ck_assert_str_eq(config.kernel, "k");
        ck_assert_uint_eq(config.memory_mib, 64);
    }
}
END_TEST

START_TEST(escapes_and_the_other_quote)
{
    take("cmdline = \"a 'b' \\\"c\\\" \\\\ \\'\"");
    ck_assert_str_eq(config.cmdline, "a 'b' \"c\" \\ '");
    take("cmdline = 'a \"b\" # ; [ ] = \\''");
    ck_assert_str_eq(config.cmdline, "a \"b\" # ; [ ] = '");
}
END_TEST

START_TEST(root_and_extra_make_a_command_line)
{
    take("root='/dev/xvda1 ro'");
    ck_assert_str_eq(config.cmdline, "root=/dev/xvda1 ro");
    take("extra='quiet'");
    ck_assert_str_eq(config.cmdline, "quiet");
    take("extra='quiet 3'\nroot='/dev/xvda1'");
    ck_assert_str_eq(config.cmdline, "root=/dev/xvda1 quiet 3");
    ck_assert(read_text(NEEDED "extra='quiet'; cmdline='console=hvc0'\nroot='/dev/xvda1'"));
    ck_assert_str_eq(config.cmdline, "console=hvc0");
    ck_assert_uint_eq(report.nr_warnings, 2);
    ck_assert_str_eq(report.warnings[0].text,
                     "guest.cfg:4:1: extra: it has no effect beside cmdline");
    ck_assert_str_eq(report.warnings[1].text,
                     "guest.cfg:5:1: root: it has no effect beside cmdline");
}
END_TEST

START_TEST(affinities_by_one_text_or_by_a_list)
{
    static const struct {
        const char *text;
        uint64_t mask;
    } rows[] = {
        { "0", 1 },          { "63", 1UL << 63 },  { "0-3", 0xf },    { "0,2", 5 },
        { "all", ALL },      { "0-63", ALL },      { "^1", ALL - 2 }, { "all,^1-2", ALL - 6 },
        { "0-3,^1", 0xd },   { " 0 , 2-3 ", 0xd }, { "^0,0", ALL },   { "2, 4", 0x14 },
        { "0-3,^1,1", 0xf }, { "010", 1U << 10 },
    };
    char line[64];

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        snprintf(line, sizeof(line), "cpus = \"%s\"", rows[i].text);
        take(line);
        for (unsigned v = 0; v < CONFIG_VCPUS; v++)
            ck_assert_msg(config.cpus.cpus[v] == rows[i].mask, "%s", rows[i].text);
        ck_assert_uint_eq(config.cpus.nr_listed, 0);
        ck_assert(config.cpus_soft.cpus[0] == ALL);
    }
    take("cpus = 2");
    ck_assert(config.cpus.cpus[31] == 4);
    take("vcpus=3; cpus = [ \"2\", 3 ]; cpus_soft = [ '^0' ]");
    ck_assert(config.cpus.cpus[0] == 4 && config.cpus.cpus[1] == 8 && config.cpus.cpus[2] == ALL);
    ck_assert_uint_eq(config.cpus.nr_listed, 2);
    ck_assert(config.cpus_soft.cpus[0] == ALL - 1 && config.cpus_soft.cpus[1] == ALL);
}
END_TEST

START_TEST(the_command_line_goes_before_the_file)
{
    const char *file = NEEDED "vcpus=2\nmaxmem=\"lots\"\n";

    /* What is overridden is not looked at but for its form. */
    ck_assert(read_bytes(file, strlen(file), "memory=32\nmaxmem=96\nextra='single'"));
    ck_assert_uint_eq(config.memory_mib, 32);
    ck_assert_uint_eq(config.maxmem_mib, 96);
    ck_assert_uint_eq(config.vcpus, 2);
    ck_assert_str_eq(config.cmdline, "single");
}
END_TEST

START_TEST(what_has_no_effect_is_told)
{
    ck_assert(read_text("vfb = [ 'vnc=1',\n'x' ]\n" NEEDED " localtime = 1\ncpu_weight=-3"));
    ck_assert_uint_eq(report.nr_warnings, 3);
    ck_assert_str_eq(report.warnings[0].text, "guest.cfg:1:1: vfb: it has no effect here");
    ck_assert_str_eq(report.warnings[1].text, "guest.cfg:6:2: localtime: it has no effect here");
    ck_assert_str_eq(report.warnings[2].text, "guest.cfg:7:1: cpu_weight: it has no effect here");
}
END_TEST

/* --- What is refused --- */

struct refusal {
    const char *lines, *wanted;
};

static void check_refusals(const struct refusal *rows, size_t nr)
{
    for (size_t i = 0; i < nr; i++)
        refused(rows[i].lines, rows[i].wanted);
}

START_TEST(text_that_is_not_of_the_language)
{
    static const struct refusal rows[] = {
        { "vcpus", "guest.cfg:4:6: vcpus: '=' is wanted, and the text ends" },
        { "vcpus\n", "guest.cfg:4:6: vcpus: '=' is wanted, and the line ends" },
        { "vcpus 2", "guest.cfg:4:7: vcpus: '=' is wanted, not 2" },
        { "vcpus =", "guest.cfg:4:8: vcpus: a value is wanted, and the text ends" },
        { "vcpus = # 2\n", "guest.cfg:4:12: vcpus: a value is wanted, and the line ends" },
        { "vcpus = ;", "guest.cfg:4:9: vcpus: a value is wanted, not ;" },
        { "vcpus = = 2", "guest.cfg:4:9: vcpus: a value is wanted, not =" },
        { "extra += 'x'", "guest.cfg:4:7: extra: '+=' is not taken: give all of the value at once, "
                          "by '='" },
        { "vcpus = 2 3", "guest.cfg:4:11: vcpus: the end of the line is wanted, not 3" },
        { "cpus = 0-3", "guest.cfg:4:8: cpus: 0-3 is neither a number nor a text in quotes" },
        { "vcpus = 08", "guest.cfg:4:9: vcpus: 08 is neither a number nor a text in quotes" },
        { "vcpus = 0x", "guest.cfg:4:9: vcpus: 0x is neither a number nor a text in quotes" },
        { "maxmem = 1G", "guest.cfg:4:10: maxmem: 1G is neither a number nor a text in quotes" },
        { "on_crash = destroy\n",
          "guest.cfg:4:12: on_crash: destroy is neither a number nor a text in quotes" },
        { "= 2", "guest.cfg:4:1: KEY = VALUE is wanted, not =" },
        { "'vcpus' = 2", "guest.cfg:4:1: KEY = VALUE is wanted, not 'vcpus'" },
        { " (vcpus) = 2", "guest.cfg:4:2: ( means nothing here" },
        { "vcpus = (2)", "guest.cfg:4:9: vcpus: ( means nothing here" },
        { "extra = 'a\nb'",
          "guest.cfg:4:9: extra: the text that begins here has no end on its line" },
        { "extra = 'a", "guest.cfg:4:9: extra: the text that begins here has no end on its line" },
        { "extra = 'a\\",
          "guest.cfg:4:9: extra: the text that begins here has no end on its line" },
        { "extra = 'a\\'",
          "guest.cfg:4:9: extra: the text that begins here has no end on its line" },
        { "extra = 'a\r\n'",
          "guest.cfg:4:9: extra: the text that begins here has no end on its line" },
        { "extra = 'a\\x41'",
          "guest.cfg:4:11: extra: \\x is no escape: there are \\\\ \\\" \\' \\n and \\t" },
        { "extra = '\xc3\xa4'", "guest.cfg:4:10: extra: this byte is no ASCII text" },
        { "extra = 'a\r'", "guest.cfg:4:11: extra: this byte is no ASCII text" },
        { "vcpus = 2\r", "guest.cfg:4:10: vcpus: this byte is no ASCII text" },
        { "# a\x01", "guest.cfg:4:4: this byte is no ASCII text" },
        { "# a\rb", "guest.cfg:4:4: this byte is no ASCII text" },
        { "\x7f", "guest.cfg:4:1: this byte is no ASCII text" },
        { "disk = [", "guest.cfg:4:9: disk: a value is wanted, and the text ends" },
        { "disk = [ 'a'", "guest.cfg:4:13: disk: ',' or ']' is wanted, and the text ends" },
        { "disk = [ 'a' 'b' ]", "guest.cfg:4:14: disk: ',' or ']' is wanted, not 'b'" },
        { "disk = [ 'a', , ]", "guest.cfg:4:15: disk: a value is wanted, not ," },
        { "disk = [ , ]", "guest.cfg:4:10: disk: a value is wanted, not ," },
        { "disk = [ 'a';\n]", "guest.cfg:4:13: disk: ',' or ']' is wanted, not ;" },
        { "disk = [ 'a',\n b ]",
          "guest.cfg:5:2: disk: b is neither a number nor a text in quotes" },
        { "vnuma = [ [ 'a' ] ]", "guest.cfg:4:11: vnuma: a list in a list is not taken" },
        { "disk = ]", "guest.cfg:4:8: disk: a value is wanted, not ]" },
    };

    check_refusals(rows, ARRAY_SIZE(rows));
}
END_TEST

START_TEST(keys_that_are_wrong)
{
    static const struct refusal rows[] = {
        { "memroy = 3", "guest.cfg:4:1: memroy: there is no such key; did you mean 'memory'?" },
        { "Vcpus = 3", "guest.cfg:4:1: Vcpus: there is no such key; did you mean 'vcpus'?" },
        { "vcpu=3", "guest.cfg:4:1: vcpu: there is no such key; did you mean 'vcpus'?" },
        { "ramdsik=3", "guest.cfg:4:1: ramdsik: there is no such key; did you mean 'ramdisk'?" },
        { "onreboot=3",
          "guest.cfg:4:1: onreboot: there is no such key; did you mean 'on_reboot'?" },
        { "vfi=3", "guest.cfg:4:1: vfi: there is no such key; did you mean 'vif'?" },
        { "foo=3", "guest.cfg:4:1: foo: there is no such key" },
        { "x=3", "guest.cfg:4:1: x: there is no such key" },
        { "favourite_colour=3", "guest.cfg:4:1: favourite_colour: there is no such key" },
        { "a234567890123456789012345678901234567890=3",
          "guest.cfg:4:1: a234567890123456789012345678901: there is no such key" },
        { "\n memory = 3", "guest.cfg:5:2: memory: given twice, first at 3:1" },
        { "vfb=[]; vfb=[]", "guest.cfg:4:9: vfb: given twice, first at 4:1" },
        { "bootloader = 'pygrub'",
          "guest.cfg:4:1: bootloader: no program looks for kernels on disks here: give kernel, and "
          "ramdisk if need be" },
        { "pci = []",
          "guest.cfg:4:1: pci: no device of the machine can be handed to a guest here" },
    };

    check_refusals(rows, ARRAY_SIZE(rows));
}
END_TEST

#define MIB   "a whole number of MiB from 1 to 1048576 is wanted, not "
#define COUNT "a whole number from 1 to 32 is wanted, not "
#define CPUS  "a list of processors such as \"0-3,^2\" or \"all\""

START_TEST(values_that_are_wrong)
{
    static const struct refusal rows[] = {
        { "maxmem = \"lots\"", "guest.cfg:4:10: maxmem: " MIB "\"lots\"" },
        { "maxmem = 0", "guest.cfg:4:10: maxmem: " MIB "0" },
        { "maxmem = -1", "guest.cfg:4:10: maxmem: " MIB "-1" },
        { "maxmem = '-1'", "guest.cfg:4:10: maxmem: " MIB "'-1'" },
        { "maxmem = ''", "guest.cfg:4:10: maxmem: " MIB "''" },
        { "maxmem = '1 '", "guest.cfg:4:10: maxmem: " MIB "'1 '" },
        { "maxmem = 1048577", "guest.cfg:4:10: maxmem: " MIB "1048577" },
        { "maxmem = 4294967297", "guest.cfg:4:10: maxmem: " MIB "4294967297" },
        { "maxmem = 18446744073709551617", "guest.cfg:4:10: maxmem: " MIB "18446744073709551617" },
        { "maxmem = 0x10000000000000040", "guest.cfg:4:10: maxmem: " MIB "0x10000000000000040" },
        { "maxmem = [ 64 ]", "guest.cfg:4:10: maxmem: " MIB "a list" },
        { "maxmem = 00000000000000000000000000000000000000000000000064",
          "guest.cfg:4:10: maxmem: " MIB "0000000000000000000000000000000000000000..." },
        { "vcpus = 33", "guest.cfg:4:9: vcpus: " COUNT "33" },
        { "vcpus = 0", "guest.cfg:4:9: vcpus: " COUNT "0" },
        { "maxvcpus = 33", "guest.cfg:4:12: maxvcpus: " COUNT "33" },
        { "max_grant_frames = 65",
          "guest.cfg:4:20: max_grant_frames: a whole number from 1 to 64 is wanted, not 65" },
        { "max_maptrack_frames = 1025", "guest.cfg:4:23: max_maptrack_frames: a whole number from "
                                        "0 to 1024 is wanted, not 1025" },
        { "event_channels = 4096",
          "guest.cfg:4:18: event_channels: a whole number from 1 to 4095 is wanted, not 4096" },
        { "on_crash = 'reboot'", "guest.cfg:4:12: on_crash: destroy, restart, rename-restart or "
                                 "preserve is wanted, not 'reboot'" },
        { "on_crash = 'coredump-restart'",
          "guest.cfg:4:12: on_crash: no core dumps are written here, so 'coredump-restart' is not "
          "taken; destroy, restart, rename-restart or preserve is wanted" },
        { "on_reboot = \"soft-reset\"",
          "guest.cfg:4:13: on_reboot: a guest cannot be reset and go on here, so \"soft-reset\" is "
          "not taken; destroy, restart, rename-restart or preserve is wanted" },
        { "type = 'hvm'", "guest.cfg:4:8: type: only paravirtualized guests (pv) run here, so "
                          "'hvm' is not taken; \"pv\" is wanted" },
        { "type = 'PV'", "guest.cfg:4:8: type: \"pv\" is wanted, not 'PV'" },
        { "builder = 'linux'", "guest.cfg:4:11: builder: \"generic\" is wanted, not 'linux'" },
        { "uuid = 'x'", "guest.cfg:4:8: uuid: a UUID such as 01234567-89ab-cdef-0123-456789abcdef "
                        "is wanted, not 'x'" },
        { "uuid = '00112233-4455-6677-8899-aabbccddeef-'",
          "guest.cfg:4:8: uuid: a UUID such as 01234567-89ab-cdef-0123-456789abcdef is wanted, not "
          "'00112233-4455-6677-8899-aabbccddeef-'" },
        { "uuid = '001122334455-66778899-aabb-ccddeeff00'",
          "guest.cfg:4:8: uuid: a UUID such as 01234567-89ab-cdef-0123-456789abcdef is wanted, not "
          "'001122334455-66778899-aabb-ccddeeff00'" },
        { "disk = 'a'",
          "guest.cfg:4:8: disk: a list such as [ \"...\", \"...\" ] is wanted, not 'a'" },
        { "vif = [1,2,3,4,5,6,7,8,\n9]", "guest.cfg:5:1: vif: a guest has at most 8 of them" },
        { "vif = ['a',\n 'b\\n']", "guest.cfg:5:2: vif: control characters are not taken" },
        { "extra = '\\t'", "guest.cfg:4:9: extra: control characters are not taken" },
        { "extra = 'a\tb'", "guest.cfg:4:9: extra: control characters are not taken" },
        { "cpus = ''", "guest.cfg:4:8: cpus: " CPUS ", of 0 to 63, is wanted, not ''" },
        { "cpus = '64'", "guest.cfg:4:8: cpus: " CPUS ", of 0 to 63, is wanted, not '64'" },
        { "cpus = '3-2'", "guest.cfg:4:8: cpus: " CPUS ", of 0 to 63, is wanted, not '3-2'" },
        { "cpus = '1,'", "guest.cfg:4:8: cpus: " CPUS ", of 0 to 63, is wanted, not '1,'" },
        { "cpus = '1-'", "guest.cfg:4:8: cpus: " CPUS ", of 0 to 63, is wanted, not '1-'" },
        { "cpus = '1 - 2'", "guest.cfg:4:8: cpus: " CPUS ", of 0 to 63, is wanted, not '1 - 2'" },
        { "cpus = '4294967296'",
          "guest.cfg:4:8: cpus: " CPUS ", of 0 to 63, is wanted, not '4294967296'" },
        { "cpus = -1", "guest.cfg:4:8: cpus: " CPUS ", of 0 to 63, is wanted, not -1" },
        { "cpus = '1,^0-7'", "guest.cfg:4:8: cpus: '1,^0-7' leaves no processor" },
        { "cpus = 'node:0'", "guest.cfg:4:8: cpus: nodes are not known here: " CPUS " is wanted" },
        { "cpus_soft = 'all,^nodes:1'",
          "guest.cfg:4:13: cpus_soft: nodes are not known here: " CPUS " is wanted" },
        { "vcpus = 2; cpus = ['1',\n 'x']",
          "guest.cfg:5:2: cpus: " CPUS ", of 0 to 63, is wanted, not 'x'" },
        { "vcpus = 2\ncpus = ['1', '1', '1']",
          "guest.cfg:5:8: cpus: it lists 3 vCPUs, and the guest has 2" },
        { "maxmem = 63", "guest.cfg:4:10: maxmem: 63 is less than memory, which is 64" },
        { "vcpus = 3\nmaxvcpus = 2", "guest.cfg:5:12: maxvcpus: 2 is less than vcpus, which is 3" },
    };

    check_refusals(rows, ARRAY_SIZE(rows));
}
END_TEST

START_TEST(names_that_are_wrong)
{
    static const struct refusal rows[] = {
        { "name = ''", "guest.cfg:1:8: name: a name is wanted, not ''" },
        { "name = '12'",
          "guest.cfg:1:8: name: a name of digits alone would be taken for a number of a domain" },
        { "name = 12",
          "guest.cfg:1:8: name: a name of digits alone would be taken for a number of a domain" },
        { "name = 'a/b'", "guest.cfg:1:8: name: a name has no '/': that separates the parts of "
                          "paths in the store" },
        { "name = 'a\\nb'", "guest.cfg:1:8: name: control characters are not taken" },
        { "name = '0123456789012345678901234567890123456789012345678901234567890123'",
          "guest.cfg:1:8: name: at most 63 characters are taken, and these are 64" },
    };
    char text[256];

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        snprintf(text, sizeof(text), "%s\nkernel='k';memory=64", rows[i].lines);
        ck_assert(!read_text(text));
        check_one_error(text, rows[i].wanted);
    }
    ck_assert(!read_text("name='g'\nmemory=64\nkernel=''"));
    check_one_error("kernel", "guest.cfg:3:8: kernel: a file's name is wanted, not ''");
}
END_TEST

START_TEST(what_must_be_given)
{
    ck_assert(!read_text(""));
    ck_assert_uint_eq(report.nr_errors, 3);
    ck_assert_str_eq(report.errors[0].text, "guest.cfg: name: it must be given");
    ck_assert_str_eq(report.errors[1].text, "guest.cfg: kernel: it must be given");
    ck_assert_str_eq(report.errors[2].text, "guest.cfg: memory: it must be given");
    ck_assert_uint_eq(report.errors[0].line, 0);
}
END_TEST

/* Each limit: as much as is allowed is taken, one more is refused. */
START_TEST(lengths_are_bounded)
{
    char line[2048], wanted[256], *all;

    for (int n = 1023; n <= 1024; n++) {
        snprintf(line, sizeof(line), "extra = '%0*d'", n, 0);
        if (n == 1023) {
            take(line);
            ck_assert_uint_eq(strlen(config.cmdline), 1023);
        }
    }
    refused(line, "guest.cfg:4:9: extra: at most 1023 characters are taken, and these are 1024");
    snprintf(line, sizeof(line), "root = 'abc'\nextra = '%01014d'", 0);
    take(line);
    ck_assert_uint_eq(strlen(config.cmdline), 1023);
    snprintf(line, sizeof(line), "root = 'abc'\nextra = '%01015d'", 0);
    refused(line, "guest.cfg:5:9: extra: root and extra make a command line of 1024 characters, "
                  "and at most 1023 are taken");
    all = malloc(CONFIG_TEXT_MAX + 1);
    memset(all, '\n', CONFIG_TEXT_MAX + 1);
    memcpy(all, NEEDED, strlen(NEEDED));
    ck_assert(read_bytes(all, CONFIG_TEXT_MAX, NULL));
    ck_assert(!read_bytes(all, CONFIG_TEXT_MAX + 1, NULL));
    snprintf(wanted, sizeof(wanted),
             "guest.cfg: a text of at most %u bytes is taken, and this one has %u", CONFIG_TEXT_MAX,
             CONFIG_TEXT_MAX + 1);
    check_one_error("long", wanted);
    free(all);
}
END_TEST

START_TEST(a_list_has_an_end)
{
    char line[1024] = "vfb = [";

    for (unsigned i = 0; i < 64; i++)
        strcat(line, "1,");
    strcat(line, "\n2]");
    refused(line, "guest.cfg:5:1: vfb: a list has at most 64 items");
    strcpy(line, "maxvcpus = 32; cpus = [");
    for (unsigned i = 0; i < 32; i++)
        strcat(line, "1,");
    strcat(line, "\n");
    strcat(line, "]");
    take(line);
    strcpy(strchr(line, '\n'), "\n1]");
    refused(line, "guest.cfg:5:1: cpus: a guest has at most 32 vCPUs");
}
END_TEST

START_TEST(a_nul_is_refused_where_it_stands)
{
    static const char text[] = NEEDED "# \0\nextra='a\0b'";

    ck_assert(!read_bytes(text, sizeof(text) - 1, NULL));
    check_one_error("comment", "guest.cfg:4:3: this byte is no ASCII text");
    ck_assert(!read_bytes("extra='a\0b'", 11, NULL));
    check_one_error("text", "guest.cfg:1:9: extra: this byte is no ASCII text");
    ck_assert(!read_bytes("name\0", 5, NULL));
    check_one_error("key", "guest.cfg:1:5: name: this byte is no ASCII text");
}
END_TEST

START_TEST(the_command_line_is_named)
{
    const char *file = NEEDED "vcpus=9\n";

    ck_assert(!read_bytes(file, strlen(file), "vcpus='x'"));
    check_one_error("x", "command line: vcpus: " COUNT "'x'");
    ck_assert(!read_bytes(file, strlen(file), "\nextra='a' 'b'"));
    check_one_error("b", "command line: extra: the end of the line is wanted, not 'b'");
    ck_assert_uint_eq(report.errors[0].line, 2);
    ck_assert_uint_eq(report.errors[0].column, 11);
    ck_assert(!read_bytes(file, strlen(file), "vcpus=1\nmemory=2\nvcpus=1"));
    check_one_error("vcpus", "command line: vcpus: given twice, first as word 1");
    /* The place is that of the value that counts. */
    ck_assert(!read_bytes(file, strlen(file), "maxvcpus=8"));
    check_one_error("maxvcpus", "command line: maxvcpus: 8 is less than vcpus, which is 9");
}
END_TEST

START_TEST(errors_come_in_the_order_of_the_text_and_their_number_is_bounded)
{
    char text[4096];

    ck_assert(!read_text("memory='x'\nfoo=1\nkernel=''\nname=12\n"));
    ck_assert_uint_eq(report.nr_errors, 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(report.errors[i].line, i + 1);
    strcpy(text, "name='g'; kernel='k'; memory=0\n\n\n");
    for (unsigned i = 0; i < 20; i++)
        sprintf(text + strlen(text), "nokey%u = 1\n", i);
    for (unsigned i = 0; i < config_nr_keys; i++) {
        if (config_keys[i].offset == 0 && !config_keys[i].what)
            sprintf(text + strlen(text), "%s = 1\n", config_keys[i].name);
    }
    ck_assert(!read_text(text));
    ck_assert_uint_eq(report.nr_errors, 21);
    ck_assert_uint_gt(report.nr_warnings, CONFIG_WARNINGS);
    ck_assert_uint_eq(report.errors[0].line, 1); /* found last */
    ck_assert_str_eq(report.errors[7].text, "guest.cfg:10:1: nokey6: there is no such key");
}
END_TEST

START_TEST(others_may_complain_later)
{
    take("vif = [\n'a' ]");
    config_refuse(&report, config.vif.place, "vif", "there is no back end in %s", "dom0");
    check_one_error("vif", "guest.cfg:4:7: vif: there is no back end in dom0");
    config_warn(&report, (struct config_place){ 0, CONFIG_NOWHERE }, "", "%s", "so it is");
    ck_assert_str_eq(report.warnings[0].text, "guest.cfg: so it is");
}
END_TEST

START_TEST(each_key_has_one_row_and_is_found)
{
    for (unsigned i = 0; i < config_nr_keys; i++) {
        const struct config_key *key = &config_keys[i];
        ck_assert_ptr_eq(config_key_find(key->name, strlen(key->name)), key);
        ck_assert_uint_le(key->offset + key->size, sizeof(struct guest_config));
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { three_keys_are_enough_and_the_rest_has_defaults },
        { each_key_goes_where_it_belongs },
        { numbers_are_decimal_hexadecimal_or_octal_and_may_stand_in_quotes },
        { blanks_comments_and_line_ends_mean_nothing },
        { escapes_and_the_other_quote },
        { root_and_extra_make_a_command_line },
        { affinities_by_one_text_or_by_a_list },
        { the_command_line_goes_before_the_file },
        { what_has_no_effect_is_told },
        { text_that_is_not_of_the_language },
        { keys_that_are_wrong },
        { values_that_are_wrong },
        { names_that_are_wrong },
        { what_must_be_given },
        { lengths_are_bounded },
        { a_list_has_an_end },
        { a_nul_is_refused_where_it_stands },
        { the_command_line_is_named },
        { errors_come_in_the_order_of_the_text_and_their_number_is_bounded },
        { others_may_complain_later },
        { each_key_has_one_row_and_is_found },
    };

    return RUN_TESTS("toolstack/config", tests);
}

/* SPDX-License-Identifier: MIT */
/* Lines become words, words find a command, and what a command says can be looked into. */
#include "run.h"
#include <stdio.h>
#include <string.h>
#include "toolstack/capture.h"
#include "toolstack/commands.h"

static char said[8192];
static char heard[4096]; /* the words that the command got, each in brackets */

static int note(struct session *session, int argc, char **argv)
{
    (void)session;
    heard[0] = 0;
    for (int i = 0; i < argc; i++)
        snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "[%s]", argv[i]);
    ck_assert_ptr_null(argv[argc]);
    return 7;
}

static int say(struct session *session, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        session_print(session, "%s\n", argv[i]);
    return session_fail(session, "and an error");
}

const struct command xl_verbs[] = { { "verb", "verb A [B]", "", 1, 2, note }, { NULL } };
const struct command store_commands[] = { { "note", "note", "", 0, -1, note }, { "both", "", "", 0, 0, note }, { NULL } };
const struct command dom0_commands[] = { { "say", "say", "", 0, -1, say }, { "both", "", "", 9, 9, note }, { NULL } };
const struct command script_commands[] = { { "last", "last", "", 0, 0, note }, { NULL } };

static void write_said(struct session *session, const char *text, size_t size)
{
    size_t length = strlen(said);

    (void)session;
    ck_assert_uint_lt(length + size, sizeof(said));
    memcpy(said + length, text, size);
    said[length + size] = 0;
}

static struct session session = { .write = write_said, .write_error = write_said };

static int run(const char *text)
{
    char *line = strdup(text);
    int status;

    said[0] = heard[0] = 0;
    status = command_run_line(&session, line);
    free(line);
    return status;
}

static void hears(const char *line, const char *words)
{
    ck_assert_int_eq(run(line), 7);
    ck_assert_str_eq(heard, words);
}

static void fails(const char *line, int status, const char *message)
{
    ck_assert_int_eq(run(line), status);
    ck_assert_str_eq(said, message);
    ck_assert_str_eq(heard, "");
}

START_TEST(words_stand_between_blanks)
{
    hears("note", "[note]");
    hears("  note\ta  b \r\n", "[note][a][b]");
    hears("note a=b c", "[note][a=b][c]");
}
END_TEST

START_TEST(quotes_keep_blanks_and_each_other)
{
    hears("note 'a b'", "[note][a b]");
    hears("note \"a  b\" c", "[note][a  b][c]");
    hears("note 'name=\"x y\"'", "[note][name=\"x y\"]");
    hears("note \"it's\"", "[note][it's]");
    hears("note a' 'b\" \"c", "[note][a b c]");
    hears("note '' \"\"", "[note][][]");
    hears("note 'a''b'", "[note][ab]");
    hears("'no'\"te\" x", "[note][x]");
}
END_TEST

START_TEST(a_comment_begins_a_word_not_within_one)
{
    hears("note a # b", "[note][a]");
    hears("note a#b '# c'", "[note][a#b][# c]");
    ck_assert_int_eq(run("# note"), 0);
    ck_assert_int_eq(run(""), 0);
    ck_assert_int_eq(run(" \t \r\n"), 0);
    ck_assert_str_eq(said, "");
}
END_TEST

/* It would take the rest of the line for a word, and nobody would see why. */
START_TEST(a_quote_must_be_closed)
{
    fails("note 'a b", 2, "line: a quote is not closed\n");
    fails("note \"", 2, "line: a quote is not closed\n");
    fails("note 'a\" b", 2, "line: a quote is not closed\n");
}
END_TEST

START_TEST(there_are_as_many_words_as_there_is_room_for)
{
    char line[256] = "note";

    for (unsigned i = 1; i < COMMAND_ARGS_MAX; i++)
        strcat(line, " x");
    ck_assert_int_eq(run(line), 7);
    ck_assert_uint_eq(strlen(heard), 6 + 3 * (COMMAND_ARGS_MAX - 1));
    strcat(line, " x");
    fails(line, 2, "line: more than 32 words\n");
    strcat(line, " x x x");
    fails(line, 2, "line: more than 32 words\n");
}
END_TEST

START_TEST(commands_are_found_in_the_order_of_the_tables)
{
    hears("both", "[both]");
    hears("last", "[last]");
    fails("nothing", 2, "nothing: there is no such command; help lists them\n");
    fails("verb a", 2, "verb: there is no such command; help lists them\n");
    fails("''", 2, ": there is no such command; help lists them\n");
}
END_TEST

START_TEST(verbs_get_as_many_words_as_they_take)
{
    hears("xl verb a", "[verb][a]");
    hears("xl verb a b", "[verb][a][b]");
    fails("xl verb", 2, "xl: used as: verb A [B]\n");
    fails("xl verb a b c", 2, "xl: used as: verb A [B]\n");
    fails("xl nothing", 2, "xl: there is no verb 'nothing'; xl help lists them\n");
    ck_assert_int_eq(run("xl"), 2);
    ck_assert_ptr_nonnull(strstr(said, "verb A [B]"));
    ck_assert_int_eq(run("xl help"), 0);
    ck_assert_int_eq(run("help"), 0);
    ck_assert_ptr_nonnull(strstr(said, "last"));
}
END_TEST

START_TEST(an_error_is_one_whole_line_however_long)
{
    char line[3000];

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = 0;
    ck_assert_int_eq(run(line), 2);
    ck_assert_uint_lt(strlen(said), 1025);
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
}
END_TEST

static void holds(const char *wanted, bool does)
{
    struct capture capture;
    char *words[] = { "say", "Domain-0     0  256", "left  1", NULL };

    ck_assert(capture_begin(&capture, &session));
    ck_assert_int_eq(command_run(&capture.session, 3, words), 1);
    ck_assert_msg(capture_holds(&capture, wanted) == does, "'%s'", wanted);
    capture_end(&capture);
}

START_TEST(what_is_kept_is_compared_with_blanks_and_stars)
{
    holds("", true);
    holds("Domain-0 0 256", true);
    holds("Domain-00", false);
    holds("left 1\nsay: and an error\n", true);
    holds("and an error\n\n", false);
    holds("Dom*256", true);
    holds("Dom*left", false);
    holds("*left", true);
    holds("left*", true);
    holds("Domain-0 * 256", true);
    holds("D*0*6", true);
    holds("D*7", false);
}
END_TEST

START_TEST(what_is_kept_has_a_limit)
{
    struct capture capture;
    char text[1024];

    memset(text, 'x', sizeof(text));
    ck_assert(capture_begin(&capture, &session));
    for (unsigned i = 0; i < 100; i++)
        capture.session.write(&capture.session, text, sizeof(text));
    ck_assert_uint_eq(capture.size, CAPTURE_MAX);
    ck_assert_uint_eq(strlen(capture.text), CAPTURE_MAX);
    capture_end(&capture);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { words_stand_between_blanks },
        { quotes_keep_blanks_and_each_other },
        { a_comment_begins_a_word_not_within_one },
        { a_quote_must_be_closed },
        { there_are_as_many_words_as_there_is_room_for },
        { commands_are_found_in_the_order_of_the_tables },
        { verbs_get_as_many_words_as_they_take },
        { an_error_is_one_whole_line_however_long },
        { what_is_kept_is_compared_with_blanks_and_stars },
        { what_is_kept_has_a_limit },
    };

    return RUN_TESTS("toolstack/commands", tests);
}

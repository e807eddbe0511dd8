/* SPDX-License-Identifier: MIT */
/* The end of each test program: all tests of a table, each in a process of its own. */
#ifndef RUN_H
#define RUN_H

#include <check.h>
#include <stdlib.h>
#include "lib/types.h"

struct test {
    const TTest *test;
    int signal; /* that it must end with; 0: none */
    int rounds; /* a loop test: _i goes from 0 to rounds - 1; 0: no loop */
};

static inline int run_tests(const char *name, const struct test *tests, size_t nr)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    for (size_t i = 0; i < nr; i++) {
        int rounds = tests[i].rounds ? tests[i].rounds : 1;
        _tcase_add_test(tcase, tests[i].test, tests[i].signal, 0, 0, rounds);
    }
    tcase_set_timeout(tcase, 280);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define RUN_TESTS(name, tests) run_tests(name, tests, ARRAY_SIZE(tests))

#endif

/* zsim calibrate: a cost table for the machine at hand. */
#include <stdlib.h>

#include "sim/base/units.h"
#include "sim/calibrate/calibrate.h"
#include "sim/cli/commands.h"

static const char usage[] =
    "usage: zsim calibrate [-o FILE] [--name NAME] [--rounds N]\n"
    "\n"
    "Measure what compression, copies, atomic operations, cache lines, minor faults and\n"
    "switches take on this machine, and print it. With -o also write a whole cost table,\n"
    "for \"costs\" of a config; what cannot be measured from a program is taken over from\n"
    "the built-in table, and marked so. docs/costs.md says what each number is.\n"
    "\n"
    "  -o, --output FILE   the table to write\n"
    "      --name NAME     what the table calls itself (calibrated)\n"
    "      --rounds N      rounds of which each number is the median (31)\n"
    "  -h, --help          this text\n";

struct choice {
    const char *output, *name;
    uint64_t rounds;
};

const struct option calibrate_flags[] = {{"output", required_argument, NULL, 'o'},
                                         {"name", required_argument, NULL, 'n'},
                                         {"rounds", required_argument, NULL, 'r'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};

/* -1: go on; else the exit code. */
static int parse(int argc, char **argv, struct choice *choice)
{
    int flag;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":o:h", calibrate_flags, NULL)) != -1) {
        if (flag == 'h') {
            fputs(usage, stdout);
            return finish_output(EXIT_DONE);
        }
        if (flag == 'o')
            choice->output = optarg;
        else if (flag == 'n')
            choice->name = optarg;
        else if (flag != 'r')
            return flag_error(argc, argv, flag, calibrate_flags);
        else if (!parse_count(optarg, &choice->rounds) || choice->rounds < CALIBRATE_ROUNDS_LEAST ||
                 choice->rounds > CALIBRATE_ROUNDS_MOST)
            return usage_error("flag --rounds: expected a number in %d..%d, found \"%s\"",
                               CALIBRATE_ROUNDS_LEAST, CALIBRATE_ROUNDS_MOST, optarg);
    }
    if (optind < argc)
        return usage_error("calibrate: unexpected word \"%s\"", argv[optind]);
    return -1;
}

int command_calibrate(int argc, char **argv)
{
    struct choice choice = {.name = "calibrated", .rounds = CALIBRATE_ROUNDS};
    int code = parse(argc, argv, &choice);
    if (code != -1)
        return code;
    struct calibration calibration;
    struct diagnostics errors = {0};
    calibrate(&calibration, (unsigned)choice.rounds);
    calibration_print(&calibration, stdout);
    code = EXIT_DONE;
    if (choice.output && !calibration_write(&calibration, choice.name, choice.output, &errors))
        code = EXIT_RUN_FAILED;
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    return finish_output(code);
}

#include <doctest/doctest.h>

#include "program.hpp"
#include <filesystem>
#include <string>

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Rows in `normal.csv`, `monday.csv`, `tuesday.csv` and a tuned model `m` of them.
void prepare(const program& cli) {
    const std::string rows = " --as csv --normal 1 --features 2 --length 300 --noise 0.2 --seed 7";
    for (const char* name : {"normal.csv", "monday.csv", "tuesday.csv"}) {
        REQUIRE(cli(std::string{"generate "} + name + rows).code == 0);
    }
    REQUIRE(cli("train m normal.csv --window 8 --encoder 3 --epochs 1 --checkpoint state --force")
                .code == 0);
    REQUIRE(cli("fit-errors m normal.csv").code == 0);
    REQUIRE(cli("tune m monday.csv").code == 0);
}

struct refused_command {
    const char* arguments;
    const char* fragments[3]; ///< of the message: two options and a file, or less
};

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("files: no output replaces a file that the command reads or also writes") {
        const program cli;
        prepare(cli);
        std::filesystem::create_symlink("monday.csv", cli.path("link.csv"));
        std::filesystem::create_directory(cli.path("folder"));
        const refused_command table[] = {
            {"fit normal.csv normal.csv", {"MODEL normal.csv", "DATA normal.csv", "same file"}},
            {"fit monday.csv normal.csv link.csv", {"MODEL monday.csv", "DATA link.csv", ""}},
            {"fit normal.csv monday.csv",
             {"normal.csv exists and is no model", "MODEL missing", ""}},
            {"train normal.csv normal.csv", {"MODEL normal.csv", "DATA normal.csv", ""}},
            {"train normal.csv monday.csv", {"normal.csv exists and is no model", "MODEL", ""}},
            {"train n monday.csv --validation n", {"MODEL n", "--validation n", ""}},
            {"train n normal.csv --checkpoint normal.csv", {"--checkpoint", "DATA", "normal.csv"}},
            {"train n normal.csv --checkpoint monday.csv",
             {"--checkpoint monday.csv", "no model", ""}},
            {"train n normal.csv --checkpoint folder/../n", {"MODEL n", "--checkpoint", "/../n"}},
            {"fit-errors normal.csv normal.csv", {"MODEL", "DATA", "normal.csv"}},
            {"fit-errors m normal.csv -o ./normal.csv", {"--output", "DATA", "normal.csv"}},
            {"fit-errors m normal.csv -o monday.csv", {"--output monday.csv", "no model", ""}},
            {"tune m monday.csv -o link.csv", {"--output link.csv", "DATA monday.csv", ""}},
            {"tune m monday.csv --output normal.csv", {"--output normal.csv", "no model", ""}},
            {"detect m monday.csv -o monday.csv", {"--output", "DATA", "monday.csv"}},
            {"detect m monday.csv -o m", {"--output m", "MODEL m", ""}},
            {"detect m monday.csv --report m", {"--report m", "MODEL m", ""}},
            {"detect m monday.csv --report folder/../monday.csv",
             {"--report", "DATA", "monday.csv"}},
            {"detect m monday.csv -o v --report v", {"--output v", "--report v", ""}},
            {"detect m monday.csv -o v --report ./v", {"--output v", "--report ./v", ""}},
            {"export m --firmware m --name pump", {"--firmware m", "MODEL m", ""}},
            {"export m --firmware monday.csv --name pump --calibration monday.csv",
             {"--firmware", "--calibration", "monday.csv"}},
            {"generate normal.csv --from normal.csv --window 8", {"OUT", "--from", "normal.csv"}},
            {"search normal.csv --journal normal.csv", {"--journal", "DATA", "normal.csv"}},
        };
        const std::string kept[] = {cli.read("normal.csv"), cli.read("monday.csv"), cli.read("m"),
                                    cli.read("state")};
        for (const refused_command& refused : table) {
            const outcome run = cli(refused.arguments);
            INFO("tocsin_cli " << std::string{refused.arguments} << "\n" << run.err);
            CHECK(run.code == 2);
            CHECK(run.out.empty()); // before any work
            for (const char* fragment : refused.fragments) {
                CHECK(has(run.err, fragment));
            }
        }
        CHECK(cli.read("normal.csv") == kept[0]);
        CHECK(cli.read("monday.csv") == kept[1]);
        CHECK(cli.read("m") == kept[2]);
        CHECK(cli.read("state") == kept[3]);
        for (const char* name : {"n", "v"}) {
            CHECK_FALSE(std::filesystem::exists(cli.path(name)));
        }
    }

    TEST_CASE("files: models and checkpoints are replaced, and an empty file") {
        const program cli;
        prepare(cli);
        const std::string quick = " --window 8 --encoder 3 --epochs 2 --force --quiet";
        CHECK(cli("fit-errors m normal.csv -o m").code == 0); // in place
        CHECK(cli("tune m monday.csv -o ./m").code == 0);
        CHECK(cli("train m normal.csv --checkpoint state" + quick).code == 0);
        CHECK(cli("train m normal.csv --checkpoint state --resume" + quick).code == 0);
        cli.write("made_before", "");
        CHECK(cli("train made_before normal.csv" + quick).code == 0);
    }
}

#include <doctest/doctest.h>

#include "fuzz/argument_input.hpp"
#include "fuzz/replay.hpp"
#include "io/temporary_directory.hpp"
#include "program.hpp"

TEST_SUITE("tocsin_cli") {
    TEST_CASE(
        "command line: whatever the arguments, it ends with an exit code that is documented") {
        const tocsin_test::temporary_directory directory;
        tocsin_fuzz::argument_folder folder(cli_path, directory / "work");
        int succeeded = 0;
        const auto run = [&](tocsin_fuzz::input bytes) {
            succeeded += folder.run(tocsin_fuzz::arguments_from(bytes)) == 0 ? 1 : 0;
        };
        tocsin_fuzz::replay("arguments", 2, run, tocsin_fuzz::argument_seeds());
        CHECK(succeeded >= 10); // most of the lines that nothing was changed in
    }
}

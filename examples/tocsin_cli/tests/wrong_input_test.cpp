#include <doctest/doctest.h>

#include "program.hpp"
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct wrong_input {
    const char* arguments;
    int code;
    const char* fragment; ///< of the message
};

// The files are made by the test case below.
const std::vector<wrong_input> table = {
    // The command line itself.
    {"", 2, "subcommand is required"},
    {"tain m train.txt", 2, "'tain'"},
    {"train", 2, "MODEL is required"},
    {"train m", 2, "DATA is required"},
    {"train m train.txt --bogus", 2, "--bogus"},
    {"train m train.txt extra", 4, "extra: cannot open"},
    {"train m train.txt --epochs many", 2, "'many' is not a whole number"},
    {"train m train.txt --epochs 0", 2, "0 must be from 1"},
    {"train m train.txt --epochs 1e3", 2, "'1e3'"},
    {"train m train.txt --epochs 99999999999", 2, "99999999999"},
    {"train m train.txt --seed -1", 2, "'-1'"},
    {"train m train.txt --batch-size 0", 2, "0 must be"},
    {"train m train.txt --learning-rate nan", 2, "'nan' is not a finite number"},
    {"train m train.txt --learning-rate -0.1", 2, "-0.1 must be more than 0"},
    {"train m train.txt --clip-norm -1", 2, "-1 must be at least 0"},
    {"train m train.txt --loss huber", 2, "'huber' is not one of mse|l1"},
    {"train m train.txt --model gan", 2,
     "'gan' is not one of encoder-decoder|autoencoder|forecaster"},
    {"train m train.txt --model forecaster --decoder 4", 2, "a forecaster has none"},
    {"train m train.txt --look-ahead 3", 2, "--look-ahead belongs to --model forecaster"},
    {"train m train.txt --model forecaster --targets 9", 2, "9 targets"},
    {"train m train.txt --order 3", 2, "--order belongs to --model linear"},
    {"train m train.txt --model linear --order 0", 2, "0 must be from 1 to 4096"},
    {"train m train.txt --model linear --ridge -1", 2, "--ridge"},
    {"train m train.txt --model linear --encoder 4", 2, "--encoder has no meaning for"},
    {"train m train.txt --model linear --seed 1", 2, "--seed has no meaning for --model linear"},
    {"train m train.txt --model linear --targets 9", 2, "9 targets"},
    {"train m train.txt --model linear --units 4", 2, "--units belongs to --model classifier"},
    {"train m train.txt --scaler log", 2, "'log'"},
    {"train m train.txt --encoder 8,0", 2, "0 must be from 1"},
    {"train m train.txt --encoder 8,,8", 2, "'' is not a whole number"},
    {"train m train.txt --encoder 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", 2, "16 layers, at most 15"},
    {"train m train.txt --dropout 1", 2, "1 must be at least 0 and at most 0.99"},
    {"train m train.txt --model autoencoder --target-order forward", 2, "--target-order"},
    {"train m train.txt --warm-up 3", 2, "--warm-up has no meaning"},
    {"train m train.txt --schedule step --decay-factor 0", 2, "factor 0"},
    {"train m train.txt --schedule cosine --epochs 3 --warm-up 3", 2, "--warm-up 3"},
    {"train m train.txt --resume", 2, "--checkpoint"},
    {"train m train.txt --validation v --validation-fraction 0.5", 2, "--validation"},
    {"train m train.txt --validation-fraction 0", 2, "0 must be more than 0"},
    {"train m train.txt --delimiter ab", 2, "'ab' is not one character"},
    {"train m train.txt --delimiter 1", 2, "'1' cannot be a delimiter"},
    {"train m train.txt --labels fault", 2, "--labels fault"},
    {"generate g --normal 0", 2, "nothing to generate"},
    {"generate g --noise -1", 2, "-1 must be at least 0"},
    {"generate g --frequency 2,1", 2, "'2,1' is not LOW,HIGH"},
    {"generate g --anomalous 1 --length 5 --anomalous-steps 6", 2, "anomalous_steps 6"},
    {"generate g --kind stuck", 2, "'stuck' is not one of"},
    {"generate g --jitter 2", 2, "--from"},
    {"generate g --from train.txt --scaling 0.5,2", 2, "'0.5,2'"},
    {"generate g --from rows.csv", 2, "--window"},
    {"tune fitted", 2, "DATA is needed"},
    {"tune fitted --step-threshold 3", 2, "DATA is needed"},
    {"tune fitted train.txt --quantile 1.5", 2, "1.5 must be at least 0 and at most 1"},
    {"tune fitted train.txt --rule sigma --false-alarm-rate 1e-3", 2, "belongs to another rule"},
    {"tune fitted train.txt --rule peaks-over-threshold --false-alarm-rate 0.1", 2, "0.1 must be"},
    {"tune fitted train.txt --rule sigma --beta 2", 2, "--beta belongs to another rule than sigma"},
    {"tune fitted train.txt --rule mad", 2, "'mad' is not one of auto|f-beta"},
    {"tune fitted train.txt --rule quantile --buffer 3", 2,
     "--buffer belongs to another rule than quantile"},
    {"tune fitted train.txt --rule peaks-over-threshold --drift-depth 9", 2,
     "--drift-depth belongs to another rule than peaks-over-threshold"},
    {"tune fitted train.txt --rule drift-peaks-over-threshold --drift-depth 0", 2,
     "0 must be from 1"},
    {"tune fitted train.txt --smooth 0", 2, "0 must be from 1"},
    {"tune fitted train.txt --smooth 5", 2, "--smooth 5: sequences are independent"},
    {"tune series rows.csv --smooth 5 --stride 2", 2, "--smooth 5: needs every row"},
    {"detect smooth rows.csv --stride 2", 2, "was tuned with --smooth 3"},
    {"detect series rows.csv --view any", 2, "--view"},
    {"detect series rows.csv --adapt", 2, "--adapt: rule 'quantile' of series does not adapt"},
    {"stream by_hand --adapt", 2, "--adapt: by_hand has a threshold by hand, 7"},
    {"detect series rows.csv --stride 2 --adapt", 2, "--adapt: is for rows"},
    {"detect series rows.csv --stride 2 --learn 200", 2, "--learn: is for rows"},
    {"detect series rows.csv --learn 0.5", 2, "--learn: 0.5 must be at least 1"},
    {"detect series rows.csv --stride 2 --suppress 3", 2, "--suppress: is for rows"},
    {"detect series rows.csv --m-of-n 3", 2, "'3' is not M,N"},
    {"detect series rows.csv --m-of-n 6,5", 2, "6 must be from 1 to 5"},
    {"detect series rows.csv --m-of-n 3,65", 2, "65 must be from 1 to 64"},
    {"stream series --minimum-duration 0", 2, "0 must be from 1"},
    {"stream series --suppress -1", 2, "-1 must be from 0"},
    {"stream series --hysteresis 1.5", 2, "1.5 must be more than 0 and at most 1"},
    // Data.
    {"train m empty", 3, "empty: holds no sequence"},
    {"train m train.txt --model forecaster --look-ahead 200", 3, "shorter than the 201"},
    {"train m train.txt --model linear --order 8", 3, "shorter than the 9 that"},
    {"train m train.txt --window 20", 3, "sequences of 8 time steps, the window has 20"},
    {"train m rows.csv --window 500", 3, "has 40 rows, fewer than a window of 500"},
    {"train m rows.csv --columns pressure", 3, "no column named 'pressure'"},
    {"train m rows.csv --labels fault", 3, "no column named 'fault'"},
    {"train m ragged.txt", 3, "ragged.txt:2:"},
    {"train m text.txt", 3, "found 'x'"},
    {"train m dead.csv --window 3", 3, "column 'b' misses 4 of 5 values (--ignore"},
    {"train m nan.csv --window 2 --skip-missing", 3, "every window has missing values"},
    {"train m inf.txt", 3, "inf.txt: sequence 2, feature 0, step 1: the value is infinite"},
    {"train m train.txt --validation wide.txt", 3, "wide.txt: has 3 features, the model has 2"},
    {"train m train.txt --validation-fraction 0.01", 3, "would be empty"},
    {"train m train.txt --epochs 3 --learning-rate 1e30 --clip-norm 0", 3, "diverged"},
    {"train m train.txt --checkpoint fitted --resume", 3, "'content' is 'detector'"},
    {"train m train.txt --encoder 7 --checkpoint state --resume", 3,
     "model was 'encoder_decoder 2"},
    {"fit-errors trained wide.txt", 3, "wide.txt: has 3 features, the model has 2"},
    {"fit-errors trained long.txt", 3, "sequences of 9 time steps, the window has 8"},
    {"fit-errors trained inf.txt", 3, "sequence 2, feature 0, step 1"},
    {"tune fitted train.txt --rule f-beta", 3, "has no labels"},
    {"detect series other.csv", 3, "no column named 'feature1'"},
    // Model files.
    {"inspect train.txt", 3, "train.txt: "},
    {"inspect cut", 3, "cut: "},
    {"fit-errors flipped train.txt", 3, "flipped: "},
    {"detect state train.txt", 3, "is a checkpoint"},
    {"inspect empty", 3, "empty: "},
    // Files that are not there or cannot be written.
    {"train m none.txt", 4, "none.txt: cannot open"},
    {"fit-errors none train.txt", 4, "none: cannot open"},
    {"train m train.txt --validation none.txt", 4, "none.txt: cannot open"},
    {"train m train.txt --checkpoint none --resume", 4, "none: cannot open"},
    {"train none/m train.txt", 4, "none/m"},
    {"train m train.txt --epochs 2 --checkpoint none/state", 4, "none/state"},
    {"generate none/g", 4, "none/g"},
    {"detect series rows.csv -o none/v", 4, "none/v"},
    {"train m .", 4, ".: is a folder"},
    // Phases out of order.
    {"tune trained train.txt", 5, "trained: is in phase 'trained'; run 'fit-errors'"},
    {"detect trained train.txt", 5, "run 'fit-errors'"},
    {"detect fitted train.txt", 5, "run 'tune'"},
    {"stream fitted", 5, "run 'tune'"},
};

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("wrong input: an exit code by its kind, one line that names the value") {
        const program cli;
        const std::string quick = " --epochs 1 --encoder 2 --force --quiet";
        const std::string shape = " --features 2 --length 8 --normal 30 --anomalous-steps 2";
        for (const std::string& arguments : {
                 "generate train.txt" + shape,
                 std::string{"generate wide.txt --features 3 --length 8 --normal 9"},
                 std::string{"generate long.txt --features 2 --length 9 --normal 9"},
                 std::string{"generate rows.csv --as csv --features 2 --length 40 --normal 1"},
                 "train trained train.txt --checkpoint state" + quick,
                 std::string{"fit-errors trained train.txt -o fitted"},
                 "train series rows.csv --window 4" + quick,
                 std::string{"fit-errors series rows.csv"},
                 std::string{"tune series rows.csv"},
                 std::string{"tune series rows.csv --smooth 3 -o smooth"},
                 std::string{"tune series --step-threshold 7 --feature-threshold 7 -o by_hand"},
             }) {
            const outcome run = cli(arguments);
            INFO(arguments << ": " << run.err);
            REQUIRE(run.code == 0);
        }
        cli.write("empty", "");
        cli.write("ragged.txt", "1,2;3,4\n1,2;3\n");
        cli.write("text.txt", "1,2;3,4\n1,2;x,4\n");
        cli.write("nan.csv", "a,b\n1,2\n3,nan\n5,6\n");
        cli.write("dead.csv", "a,b\n1,2\n3,nan\n5,\n2,\n1,\n");
        cli.write("inf.txt",
                  "1,2,3,4,5,6,7,8;1,2,3,4,5,6,7,8\n1,inf,3,4,5,6,7,8;1,2,3,4,5,6,7,8\n");
        cli.write("other.csv", "feature0,pressure\n1,2\n");
        std::string bytes = cli.read("trained");
        cli.write("cut", bytes.substr(0, bytes.size() / 2));
        bytes[bytes.size() - 5] = static_cast<char>(bytes[bytes.size() - 5] ^ 0x40);
        cli.write("flipped", bytes);

        for (const wrong_input& wrong : table) {
            const outcome run = cli(wrong.arguments);
            INFO("tocsin_cli " << std::string{wrong.arguments} << "\n" << run.err);
            CHECK(run.code == wrong.code);
            CHECK(run.err.find(wrong.fragment) != std::string::npos);
            // What was read is printed before anything fails because of it, with its warnings.
            const std::string_view messages{run.err};
            const auto last = messages.substr(0, messages.size() - 1).rfind('\n') + 1;
            CHECK(messages.substr(last).starts_with("tocsin_cli"));
            for (std::size_t at = 0; at < last; at = messages.find('\n', at) + 1) {
                CHECK(messages.substr(at).starts_with("warning: "));
            }
            CHECK((run.out.empty() || run.out.starts_with("read ")));
        }
        const outcome header = cli("stream series", cli.read("other.csv"));
        CHECK(header.code == 3);
        CHECK(header.err.find("no column named 'feature1'") != std::string::npos);
        CHECK(cli.read("m").empty()); // no failure left a model file
        const outcome full = cli("inspect trained >/dev/full 2>stderr #");
        CHECK(full.code == 4);
        CHECK(full.err.find("cannot write standard output") != std::string::npos);
    }

    TEST_CASE("missing values: --skip-missing leaves such windows out, with a message") {
        const program cli;
        cli.write("gap.csv", "time;a\n0;1\n1;2\n2;\n3;4\n4;5\n5;7\n");
        const outcome run =
            cli("train m gap.csv --window 2 --skip-missing --epochs 1 --encoder 2 --force");
        CHECK(run.code == 0);
        CHECK(run.err.find("2 of 5 windows have missing values") != std::string::npos);
        CHECK(run.out.find("trained on 3 windows") != std::string::npos);
    }

    TEST_CASE("help: every command explains itself and the exit codes") {
        const program cli;
        CHECK(cli("--version").code == 0);
        for (const std::string command :
             {"", "generate", "train", "fit-errors", "tune", "detect", "stream", "inspect"}) {
            const outcome help = cli(command + " --help");
            CHECK(help.code == 0);
            CHECK(help.out.find("Exit codes: 0 success") != std::string::npos);
            CHECK(help.err.empty());
        }
    }
}

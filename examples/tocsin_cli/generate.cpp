// generate: noisy sinusoids with labelled anomalies, or fake anomalies made from normal data.
#include "tocsin/io/csv.hpp"
#include "tocsin/io/delimited_sequences.hpp"
#include "tocsin/series/augmentation.hpp"
#include "tocsin/series/generator.hpp"

#include <nlohmann/json.hpp>

#include "command_files.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "options.hpp"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

namespace tocsin_cli {
namespace {

using tocsin::error_code;
using tocsin::index_t;

enum class label_output : std::uint8_t { automatic, yes, no };
enum class file_format : std::uint8_t { sequences, csv };

struct generate_command {
    console out;
    std::string path;
    std::uint64_t seed = 0;
    std::optional<std::uint64_t> sequence_seed;
    std::uint64_t given_sequence_seed = 0;
    int normal = 100;
    int anomalous = 0;
    label_output labels = label_output::automatic;
    file_format as = file_format::sequences;
    int every = 0; // seconds between rows; 0: without times
    tocsin::sinusoid_settings sinusoid;
    tocsin::anomaly_settings anomaly;

    std::string source;
    input_options input;
    int window = 0;
    int stride = 1;
    bool with_normal = false;
    tocsin::augmentation_settings augmentation;

    void add_to(CLI::App& command);
    void run();
    tocsin::sequence_set<float> sinusoids(tocsin::random_generator& random) const;
    tocsin::sequence_set<float> fakes(tocsin::random_generator& random) const;
    tocsin::series<float> joined(const tocsin::sequence_set<float>& set) const;
};

void generate_command::add_to(CLI::App& command) {
    command.add_option("OUT", path, "File to write")->required();
    add_integer(command, "--seed", seed,
                "Seed of the frequencies and amplitudes, then of the sequences", std::uint64_t{0});
    command
        .add_option_function<std::string>(
            "--sequence-seed",
            [this](const std::string& given) {
                sequence_seed = parse_integer<std::uint64_t>(
                    "--sequence-seed", given, 0, std::numeric_limits<std::uint64_t>::max());
            },
            "Seed of the sequences alone: different sequences of the same process (--seed)")
        ->type_name("INTEGER");
    add_choice(
        command, "--labels", labels,
        {{"auto", label_output::automatic}, {"yes", label_output::yes}, {"no", label_output::no}},
        "Write labels; auto: if there are anomalous sequences");
    add_choice(command, "--as", as,
               {{"sequences", file_format::sequences}, {"csv", file_format::csv}},
               "One sequence per line, or CSV rows of all sequences one after the other");

    add_integer(
        command, "--every", every,
        "CSV: a first column 'timestamp', from 2024-01-01 on, with this many seconds between rows",
        1, 86'400 * 366)
        ->default_str("no such column");

    const std::string sinusoids_group = "Sinusoids";
    constexpr int many = 10'000'000;
    for (CLI::Option* option :
         {add_integer(command, "--normal", normal, "Normal sequences", 0, many),
          add_integer(command, "--anomalous", anomalous, "Anomalous sequences", 0, many),
          add_integer(command, "--features", sinusoid.features, "Features", 1, 10'000),
          add_integer(command, "--length", sinusoid.length, "Time steps of a sequence", 1, many),
          add_range(command, "--frequency", sinusoid.frequency,
                    "Radians per step, drawn once per feature"),
          add_range(command, "--amplitude", sinusoid.amplitude, "Drawn once per feature"),
          with_default(
              add_number(command, "--noise", sinusoid.noise, "Width of the uniform noise", 0),
              sinusoid.noise),
          command.add_flag("--random-phase", sinusoid.random_phase, "A phase for each sequence"),
          add_range(command, "--frequency-variation", sinusoid.frequency_factor,
                    "Factor of the frequencies, drawn per sequence")}) {
        option->group(sinusoids_group);
    }
    using kind = tocsin::sinusoid_anomaly;
    for (CLI::Option* option :
         {add_choice(command, "--kind", anomaly.kind,
                     {{"amplitude", kind::amplitude},
                      {"mild", kind::mild},
                      {"frozen", kind::frozen},
                      {"frequency", kind::frequency},
                      {"phase", kind::phase}},
                     "Kind of anomaly in an anomalous sequence"),
          add_integer(command, "--anomalous-steps", anomaly.anomalous_steps,
                      "Number of anomalous steps, at the end of the sequence", 1, many),
          add_range(command, "--amplitude-factor", anomaly.amplitude_factor,
                    "amplitude: drawn for each value, with a random sign"),
          add_range(command, "--mild-factor", anomaly.mild_factor, "mild: drawn per sequence"),
          with_default(add_number(command, "--frequency-factor", anomaly.frequency_factor,
                                  "frequency: how much faster", 0,
                                  std::numeric_limits<double>::max(), true),
                       anomaly.frequency_factor),
          add_range(command, "--phase-shift", anomaly.phase_shift,
                    "phase: radians, drawn per sequence")}) {
        option->group("Anomalies of sinusoids");
    }

    const std::string fakes_group = "Fake anomalies";
    CLI::Option* const from =
        command.add_option("--from", source, "Make one fake anomaly of each sequence of this file")
            ->type_name("FILE");
    using fake = tocsin::augmentation;
    constexpr double unbounded = std::numeric_limits<double>::max();
    for (CLI::Option* option :
         {from,
          command.add_flag("--with-normal", with_normal,
                           "Write the normal sequences too, before the fake ones"),
          add_choice(command, "--augmentation", augmentation.kind,
                     {{"mixed", fake::mixed},
                      {"jitter", fake::jitter},
                      {"scaling", fake::scaling},
                      {"rotation", fake::rotation},
                      {"permutation", fake::permutation},
                      {"magnitude-warp", fake::magnitude_warp}},
                     "How a sequence is distorted; mixed: at random"),
          with_default(add_number(command, "--jitter", augmentation.jitter_deviation,
                                  "jitter: noise, in standard deviations of the feature", 0,
                                  unbounded, true),
                       augmentation.jitter_deviation),
          command
              .add_option_function<std::string>(
                  "--scaling",
                  [this](const std::string& given) {
                      const auto pieces = split_at_commas(given);
                      const auto low = tocsin::parse_number<double>(pieces.front());
                      const auto high = tocsin::parse_number<double>(pieces.back());
                      if (pieces.size() > 2 || !low || !high || !(*low > 1) || !(*low <= *high)) {
                          throw CLI::ValidationError(
                              "--scaling", '\'' + given + "' is not LOW,HIGH with 1 < LOW <= HIGH");
                      }
                      augmentation.scaling_low = *low;
                      augmentation.scaling_high = *high;
                  },
                  "scaling: factor of a feature, or its inverse")
              ->type_name("LOW,HIGH")
              ->default_str("1.5,3"),
          add_integer(command, "--segments", augmentation.segments,
                      "permutation: number of pieces that change places", 2, many),
          add_integer(command, "--knots", augmentation.warp_knots,
                      "magnitude-warp: knots of the curve", 2, many),
          with_default(add_number(command, "--warp", augmentation.warp_deviation,
                                  "magnitude-warp: standard deviation of the knots around 1", 0,
                                  unbounded, true),
                       augmentation.warp_deviation),
          add_integer(command, "--window", window, "CSV: time steps of a sequence", 1, many),
          add_integer(command, "--stride", stride, "CSV: rows from one sequence to the next", 1,
                      many),
          add_choice(command, "--format", input.format,
                     {{"auto", input_format::automatic},
                      {"sequences", input_format::sequences},
                      {"csv", input_format::csv}},
                     "Format of the file that is read")}) {
        option->group(fakes_group);
        if (option != from) {
            option->needs(from);
        }
    }
    for (CLI::Option* option : command.get_options()) {
        const std::string group = option->get_group();
        if (group == sinusoids_group || group == "Anomalies of sinusoids") {
            option->excludes(from);
        }
    }
}

tocsin::sequence_set<float> generate_command::sinusoids(tocsin::random_generator& random) const {
    const auto generator = require(tocsin::sinusoid_generator<float>::make(sinusoid, random));
    tocsin::random_generator other{sequence_seed.value_or(0)};
    auto settings = anomaly;
    if (anomalous == 0) {
        settings.anomalous_steps = 1; // its value does not matter
    }
    return require(generator.mixed(normal, anomalous, settings, sequence_seed ? other : random));
}

tocsin::sequence_set<float> generate_command::fakes(tocsin::random_generator& random) const {
    const input_data data = read_input(source, input, nullptr);
    if (data.is_series && window == 0) {
        fail(error_code::invalid_argument, source,
             ": is CSV; --window sets the length of a sequence");
    }
    const int length = data.is_series || window != 0 ? window : data.sequences.length;
    window_options windowing;
    windowing.stride = stride;
    const auto windows = normal_windows(data, length, windowing, out);
    tocsin::sequence_set<float> originals;
    originals.length = length;
    originals.values.resize(windows.features(), windows.count() * length);
    for (index_t k = 0; k < windows.count(); ++k) {
        originals.sequence(k) = windows.window(k);
    }
    auto set = require(tocsin::fake_anomalies(originals, augmentation, random));
    if (with_normal) {
        const index_t columns = originals.values.cols();
        tocsin::matrix<float> all(windows.features(), 2 * columns);
        all << originals.values, set.values;
        set.values = std::move(all);
        set.labels.insert(set.labels.begin(), static_cast<std::size_t>(windows.count()), 0);
    }
    return set;
}

/// A time in seconds since 2024-01-01 00:00:00, as ISO 8601 has it.
std::string timestamp(std::int64_t seconds) {
    using std::chrono::days;
    const auto time =
        std::chrono::sys_days{std::chrono::year{2024} / 1 / 1} + std::chrono::seconds{seconds};
    const auto day = std::chrono::floor<days>(time);
    const std::chrono::year_month_day date{day};
    const auto clock = static_cast<int>((time - day).count());
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock / 3600, clock / 60 % 60, clock % 60);
    return text;
}

/// All sequences one after the other, with a label for each row.
tocsin::series<float> generate_command::joined(const tocsin::sequence_set<float>& set) const {
    tocsin::series<float> rows;
    rows.values = set.values;
    const bool to_the_end = !source.empty() || anomaly.kind == tocsin::sinusoid_anomaly::phase;
    const int wrong = to_the_end ? set.length : std::min(anomaly.anomalous_steps, set.length);
    for (const std::uint8_t label : set.labels) {
        rows.labels.insert(rows.labels.end(), static_cast<std::size_t>(set.length - wrong), 0);
        rows.labels.insert(rows.labels.end(), static_cast<std::size_t>(wrong), label);
    }
    for (index_t row = 0; every > 0 && row < rows.time(); ++row) {
        rows.timestamps.push_back(timestamp(row * every));
    }
    return rows;
}

void generate_command::run() {
    refuse_overwriting({{"--from", source}}, {{"OUT", path}});
    if (source.empty() && normal + anomalous == 0) {
        fail(error_code::invalid_argument, "--normal 0 and --anomalous 0: nothing to generate");
    }
    if (every > 0 && as != file_format::csv) {
        fail(error_code::invalid_argument, "--every ", every, ": is for --as csv");
    }
    tocsin::random_generator random{seed};
    if (!source.empty() && sequence_seed) {
        random = tocsin::random_generator{*sequence_seed};
    }
    auto set = source.empty() ? sinusoids(random) : fakes(random);
    const auto wrong = std::count(set.labels.begin(), set.labels.end(), 1);
    if (labels == label_output::no || (labels == label_output::automatic && wrong == 0)) {
        set.labels.clear();
    }
    require(as == file_format::csv ? tocsin::write_csv(path, joined(set))
                                   : tocsin::write_sequences(path, set));
    out.say(path + ": " + std::to_string(set.count()) + " sequences of " +
            std::to_string(set.features()) + " features over " + std::to_string(set.length) +
            " steps, " + std::to_string(wrong) + " anomalous");
    out.report({{"command", "generate"},
                {"output", path},
                {"sequences", set.count()},
                {"anomalous", wrong},
                {"features", set.features()},
                {"length", set.length},
                {"labels", !set.labels.empty()},
                {"seed", seed}});
}

} // namespace

void add_generate(CLI::App& app) {
    add_command<generate_command>(
        app, "generate",
        "Write noisy sinusoids with labelled anomalies, or fake anomalies "
        "made from normal data");
}

} // namespace tocsin_cli

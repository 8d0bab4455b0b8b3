#include "tocsin/io/delimited_sequences.hpp"

#include "failure.hpp"
#include "input.hpp"
#include "options.hpp"

namespace tocsin_cli {
namespace {

constexpr const char* group = "Reading data";

/// One character, or its name.
CLI::Option* add_delimiter(CLI::App& command, const std::string& name, char& value,
                           const std::string& description) {
    return command
        .add_option_function<std::string>(
            name,
            [name, &value](const std::string& given) {
                constexpr std::pair<const char*, char> names[] = {
                    {"tab", '\t'},  {"\\t", '\t'},      {"comma", ','},
                    {"space", ' '}, {"semicolon", ';'}, {"pipe", '|'}};
                for (const auto& [word, character] : names) {
                    if (tocsin::detail::equal_ignoring_case(given, word)) {
                        value = character;
                        return;
                    }
                }
                if (given.size() != 1) {
                    throw CLI::ValidationError(name,
                                               "'" + given +
                                                   "' is not one character; tab, space, comma, "
                                                   "semicolon and pipe are names of some");
                }
                value = given.front();
            },
            description)
        ->type_name("CHARACTER|tab|space");
}

/// Such as `normal=0,attack=1`.
std::vector<tocsin::csv_label_value> parse_label_values(const std::string& name,
                                                        const std::string& given) {
    std::vector<tocsin::csv_label_value> values;
    for (const std::string& piece : split_at_commas(given)) {
        const auto equals = piece.rfind('=');
        const std::string_view meaning =
            equals == std::string::npos ? "" : std::string_view{piece}.substr(equals + 1);
        if (meaning != "0" && meaning != "1") {
            throw CLI::ValidationError(name, "'" + piece +
                                                 "' is not TEXT=0 (normal) or TEXT=1 (anomalous)");
        }
        values.push_back({piece.substr(0, equals), meaning == "1"});
    }
    return values;
}

} // namespace

void input_options::add_to(CLI::App& command) {
    add_choice(command, "--format", format,
               {{"auto", input_format::automatic},
                {"sequences", input_format::sequences},
                {"csv", input_format::csv}},
               "Sequences: one per line, features separated by ';', steps by ','. CSV: one row per "
               "time step, a header or none. auto: CSV if the first line is not numbers, and for "
               "names that end in .csv or .tsv unless a field has three steps or more")
        ->group(group);
    add_character(command, "--step-delimiter", step_delimiter,
                  "Sequences: between time steps; default ','")
        ->group(group);
    add_csv_to(command);
}

void input_options::add_csv_to(CLI::App& command) {
    add_choice(
        command, "--encoding", encoding,
        {{"auto", tocsin::text_encoding::automatic},
         {"utf-8", tocsin::text_encoding::utf8},
         {"utf-16", tocsin::text_encoding::utf16},
         {"latin-1", tocsin::text_encoding::latin1}},
        "Encoding of characters; auto: UTF-16 by its byte order mark or its NUL bytes, else UTF-8")
        ->group(group);
    add_names(command, "--labels", labels,
              "CSV: columns with labels; default: label, labels, anomaly, is_anomaly, outlier, "
              "is_outlier, attack, normal/attack if they exist. Sequences: 'last', the last "
              "field. 'none' leaves them out")
        ->group(group);
    command
        .add_option_function<std::string>(
            "--label-values",
            [this](const std::string& given) {
                label_values = parse_label_values("--label-values", given);
            },
            "CSV: what words or numbers in label columns mean, '*' all others; default: 0, 1, "
            "true, false and usual words such as normal and attack")
        ->type_name("TEXT=0,TEXT=1...")
        ->group(group);
    add_names(command, "--columns", columns,
              "CSV: columns that are features, in this order; default: those the model was trained "
              "on, else all other columns. Without a header: column1, column2, ...")
        ->group(group);
    add_names(command, "--ignore", ignore,
              "CSV: columns to leave out; a name with a comma, or with blanks around it, in double "
              "quotes")
        ->group(group);
    command
        .add_option("--timestamp", timestamp,
                    "CSV: column with the time; 'none' for none; default: by its name "
                    "(timestamp, datetime, time, date, ts, epoch, ...) or its content")
        ->type_name("NAME")
        ->group(group);
    command
        .add_option_function<std::string>(
            "--dates",
            [this](const std::string& given) {
                for (const tocsin::date_order one : tocsin::all_date_orders) {
                    dates = given == to_string(one) ? one : dates;
                }
            },
            "CSV: what stands first in dates such as 03/04/15; default: as all dates show, else "
            "as in training, else the day")
        ->check(CLI::IsMember({"day-first", "month-first", "year-first"}))
        ->type_name("day-first|month-first|year-first")
        ->group(group);
    auto* const serial =
        command
            .add_flag("--serial-dates", serial_dates,
                      "CSV: numbers in the column of times are days since 1899-12-30, as "
                      "spreadsheets keep dates; default: detected")
            ->group(group);
    command.add_flag("--no-serial-dates", no_serial_dates, "CSV: they are not")
        ->excludes(serial)
        ->group(group);
    add_names(command, "--missing", missing,
              "CSV: texts that mean 'missing' in addition to an empty cell, NA, N/A, NaN, null, "
              "none, #N/A, ? "
              "and -, such as -999; default: as in training")
        ->group(group);
    add_delimiter(command, "--delimiter", delimiter,
                  "CSV: between cells; default: detected. Sequences: between features; default "
                  "';'")
        ->group(group);
    auto* const comma = command
                            .add_flag("--decimal-comma", decimal_comma,
                                      "CSV: numbers have a decimal comma, as in 1,5")
                            ->group(group);
    command
        .add_flag("--decimal-point", decimal_point,
                  "CSV: numbers have a decimal point; default: detected")
        ->excludes(comma)
        ->group(group);
    command
        .add_flag("--thousands", thousands,
                  "CSV: digits are grouped, 1,234 is 1234 (with a decimal comma, 1.234 is); "
                  "default: if a number can be read in no other way, such as 1,234.5")
        ->group(group);
    auto* const with_header =
        command.add_flag("--header", header, "CSV: the first line names the columns")->group(group);
    command
        .add_flag("--no-header", no_header,
                  "CSV: it does not; columns are column1, column2, ...; default: detected")
        ->excludes(with_header)
        ->group(group);
    add_integer<tocsin::index_t>(command, "--skip-rows", skip_rows,
                                 "CSV: lines before the header or the first row", 0)
        ->default_str("detected")
        ->group(group);
}

void input_options::add_time_to(CLI::App& command) {
    add_number(
        command, "--longest-gap", longest_gap,
        "CSV: longest step in seconds between adjacent rows; windows do not cross longer ones", 0,
        std::numeric_limits<double>::max(), true)
        ->default_str("as in training; in training, from the usual step")
        ->group(group);
    add_resampling_to(command);
}

void input_options::add_resampling_to(CLI::App& command) {
    add_number(command, "--resample", resample, "CSV: resample rows to a grid of this many seconds",
               0, std::numeric_limits<double>::max(), true)
        ->default_str("not resampled")
        ->group(group);
    add_choice(command, "--resample-by", resample_by,
               {{"mean", tocsin::resampling::mean},
                {"last", tocsin::resampling::last},
                {"median", tocsin::resampling::median}},
               "Value for the rows in a step of the grid")
        ->group(group);
}

tocsin::csv_options input_options::csv(const std::vector<std::string>& names) const {
    tocsin::csv_options options;
    options.delimiter = delimiter;
    options.ignore = ignore;
    options.use = columns.empty() ? names : columns;
    options.missing = missing;
    options.label_values = label_values;
    if (timestamp == "none") {
        options.timestamp = "";
    } else if (!timestamp.empty()) {
        options.timestamp = timestamp;
    }
    options.dates.asked = dates;
    if (serial_dates || no_serial_dates) {
        options.serial_dates = serial_dates;
    }
    if (labels == std::vector<std::string>{"none"}) {
        options.labels.emplace();
    } else if (!labels.empty()) {
        options.labels = labels;
    }
    if (header || no_header) {
        options.header = header;
    }
    if (decimal_comma || decimal_point) {
        options.decimal_comma = decimal_comma;
    }
    if (thousands) {
        options.groups = true;
    }
    if (skip_rows >= 0) {
        options.skip_rows = skip_rows;
    }
    return options;
}

tocsin::csv_options input_options::csv(const model_file* model) const {
    if (model == nullptr) {
        return csv(std::vector<std::string>{});
    }
    tocsin::csv_options options = csv(model->feature_names);
    if (options.missing.empty()) {
        options.missing = model->missing;
    }
    if (options.label_values.empty() && !model->label_values.empty()) {
        options.label_values = model->label_values;
    }
    options.dates.otherwise = model->dates;
    if (!options.serial_dates && model->serial_dates) {
        options.serial_dates = true;
    }
    options.digit_dates = model->digit_dates;
    options.time_unit = model->time_unit;
    if (!options.groups && !options.decimal_comma && !model->decimal_mark_of_groups.empty()) {
        options.groups = true;
        options.decimal_comma = model->decimal_mark_of_groups == "comma";
    }
    return options;
}

} // namespace tocsin_cli

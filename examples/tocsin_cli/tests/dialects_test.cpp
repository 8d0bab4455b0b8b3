// One recording in all the ways in which loggers and spreadsheets write it: every phase reads the
// same.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace {

using nlohmann::json;

constexpr int count = 60; // rows; a gap in time after the 40th

/// Two sensors at one time.
struct reading {
    int hour = 0; // from 2024-03-10 00:00
    double temperature = 0;
    double humidity = 0;
};
reading reading_at(int t) {
    return {t < 40 ? t : t + 100, 20 + 5 * std::sin(0.26 * t) + 0.25 * std::sin(7.1 * t),
            50 + 9 * std::cos(0.26 * t) + 0.5 * std::cos(5.3 * t)};
}

std::string text_of(const char* format, double value) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return text;
}
/// With three digits after the point, so that nothing is lost and they could be a group.
std::string fixed(double value) {
    return text_of("%.3f", value);
}
std::string with(std::string text, char from, const std::string& to) {
    std::string changed;
    for (const char c : text) {
        changed += c == from ? to : std::string(1, c);
    }
    return changed;
}
std::string comma(double value) {
    return with(fixed(value), '.', ",");
}

std::string stamp(const reading& r, const char* format) {
    char text[64];
    std::snprintf(text, sizeof text, format, 10 + r.hour / 24, r.hour % 24);
    return text;
}
std::string iso(const reading& r) {
    return stamp(r, "2024-03-%02d %02d:00:00");
}
long long epoch(const reading& r) {
    return 1710028800 + 3600LL * r.hour;
}

using line_of = std::function<std::string(const reading&)>;
std::string rows(const line_of& line, const std::string& end = "\n") {
    std::string text;
    for (int t = 0; t < count; ++t) {
        text += line(reading_at(t)) + end;
    }
    return text;
}
std::string plain(const reading& r) {
    return iso(r) + ',' + fixed(r.temperature) + ',' + fixed(r.humidity);
}
/// Cells with a delimiter between them.
line_of cells(const std::string& delimiter) {
    return [=](const reading& r) {
        return iso(r) + delimiter + fixed(r.temperature) + delimiter + fixed(r.humidity);
    };
}

std::string utf16(const std::string& text, bool big_endian, bool marked = true) {
    std::string bytes = !marked ? "" : big_endian ? "\xFE\xFF" : "\xFF\xFE";
    for (const char c : text) { // ASCII
        bytes += big_endian ? '\0' : c;
        bytes += big_endian ? c : '\0';
    }
    return bytes;
}

/// Score of each row, NaN without one; the verdict of rows without.
std::vector<double> scores_of(const std::vector<json>& verdicts) {
    std::vector<double> scores;
    for (const json& verdict : verdicts) {
        REQUIRE_MESSAGE(verdict["verdict"] != "malformed_line", verdict.dump());
        scores.push_back(verdict.contains("score") && verdict["score"].is_number()
                             ? verdict["score"].get<double>()
                             : std::nan(""));
    }
    return scores;
}

void check_same(const std::vector<double>& scores, const std::vector<double>& expected) {
    REQUIRE(scores.size() == expected.size());
    for (std::size_t k = 0; k < scores.size(); ++k) {
        INFO("row " << k + 1);
        if (std::isnan(expected[k])) {
            CHECK(std::isnan(scores[k]));
        } else {
            CHECK(scores[k] == doctest::Approx(expected[k]).epsilon(1e-4));
        }
    }
}

struct dialect {
    const char* name;
    std::string text;
    const char* options = "";
    bool timed = true; ///< whether the gap can be seen
};

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("dialects: train, detect and stream read the same from every kind of file") {
        const program cli;
        const std::string header = "timestamp,temp,hum\n";
        cli.write("plain.csv", header + rows(plain));
        for (const char* phase :
             {"train m plain.csv --window 6 --encoder 4 --epochs 2 --force",
              "fit-errors m plain.csv", "tune m plain.csv --quantile 1 --factor 1.3"}) {
            const outcome run = cli(std::string{phase} + " --quiet");
            REQUIRE_MESSAGE(run.code == 0, run.err);
        }
        const auto timed = scores_of(lines_of(cli("stream m", header + rows(plain)).out));
        REQUIRE(timed.size() == count);
        CHECK(std::isnan(timed[42])); // it starts afresh after the gap
        CHECK(std::isfinite(timed[39]));
        const auto no_time = [](const reading& r) {
            return fixed(r.temperature) + ',' + fixed(r.humidity);
        };
        const auto untimed = scores_of(lines_of(cli("stream m", "temp,hum\n" + rows(no_time)).out));
        CHECK(std::isfinite(untimed[42]));

        const std::string crlf = "\r\n";
        const auto german = [](const reading& r) {
            return stamp(r, "%02d.03.2024 %02d:00") + ';' + comma(r.temperature) + ';' +
                   comma(r.humidity);
        };
        const std::string german_header = "Datum;temp;hum\n";
        const dialect kinds[] = {
            {"utf16_le", utf16(header + rows(plain), false)},
            {"utf16_be", utf16("timestamp,temp,hum\r\n" + rows(plain, crlf), true)},
            {"utf16_unmarked", utf16(header + rows(plain), false, false)},
            {"utf8_mark", "\xEF\xBB\xBF" + header + rows(plain, crlf)},
            {"lone_cr", "timestamp,temp,hum\r" + rows(plain, "\r")},
            {"latin1", "timestamp,temp,hum,\xB0\n" + rows([](const reading& r) {
                           return plain(r) + ",\xB5";
                       }),
             " --encoding latin-1 --ignore \xC2\xB0"},
            {"tab", "timestamp\ttemp\thum\n" + rows(cells("\t"))},
            {"semicolon", "timestamp;temp;hum\n" + rows(cells(";"))},
            {"pipe", "timestamp|temp|hum\n" + rows(cells(" | "))},
            {"spaces", "temp hum\n" + rows([](const reading& r) {
                           return "  " + fixed(r.temperature) + "   " + fixed(r.humidity);
                       }),
             "", false},
            {"decimal_comma", german_header + rows(german)},
            {"decimal_comma_marked", "\xEF\xBB\xBFsep=;\r\n" + german_header + rows(german, crlf)},
            {"decimal_comma_quoted", header + rows([](const reading& r) {
                                         return iso(r) + ",\"" + comma(r.temperature) + "0\",\"" +
                                                comma(r.humidity) + "0\"";
                                     })},
            {"sep_quoted", "\"sep=\t\"\ntimestamp\ttemp\thum\n" + rows(cells("\t"))},
            {"skip_rows", "3,4\n5,6\n" + header + rows(plain), " --skip-rows 2"},
            {"preamble", "Logger X\nSerial;5\n\n" + header + rows(plain)},
            {"comments", "# made by a logger\n# 2024\n" + header + rows(plain)},
            {"units", "timestamp,temp,hum\n,[degC],[%]\n" + rows(plain)},
            {"trailing",
             "timestamp,temp,hum,\n" + rows([](const reading& r) { return plain(r) + ','; })},
            {"quoted", "\"timestamp\",\"temp\",\"hum\"\n" + rows([](const reading& r) {
                           return '"' + iso(r) + "\" , \"" + fixed(r.temperature) + "\",\"" +
                                  fixed(r.humidity) + '"';
                       })},
            {"other_order", "hum,when,temp\n" + rows([](const reading& r) {
                                return fixed(r.humidity) + ',' + iso(r) + ',' +
                                       fixed(r.temperature);
                            })},
            {"no_header", rows(plain), " --no-header"},
            {"no_header_epoch", rows([](const reading& r) {
                 return std::to_string(epoch(r)) + ',' + fixed(r.temperature) + ',' +
                        fixed(r.humidity);
             })},
            {"epoch_us", "ts;temp;hum\n" + rows([](const reading& r) {
                             return std::to_string(1'000'000 * epoch(r)) + ';' +
                                    fixed(r.temperature) + ';' + fixed(r.humidity);
                         })},
            {"digits", "time;temp;hum\n" + rows([](const reading& r) {
                           return stamp(r, "202403%02d%02d;") + fixed(r.temperature) + ';' +
                                  fixed(r.humidity);
                       })},
            {"digits_short_year", header + rows([](const reading& r) {
                                      return stamp(r, "2603%02d%02d00,") + fixed(r.temperature) +
                                             ',' + fixed(r.humidity);
                                  })},
            {"am_pm", header + rows([](const reading& r) {
                          const int hour = r.hour % 24;
                          return stamp(r, "03/%02d/2024 ") +
                                 std::to_string(hour % 12 == 0 ? 12 : hour % 12) +
                                 (hour < 12 ? ":00 AM," : ":00 PM,") + fixed(r.temperature) + ',' +
                                 fixed(r.humidity);
                      })},
            {"offset", header + rows([](const reading& r) {
                           return stamp(r, "2024-03-%02dT%02d:00:00+02:00,") +
                                  fixed(r.temperature) + ',' + fixed(r.humidity);
                       })},
            {"two_columns", "date,time,temp,hum\n" + rows([](const reading& r) {
                                return stamp(r, "%02d/03/2024,%02d:00:00,") + fixed(r.temperature) +
                                       ',' + fixed(r.humidity);
                            })},
            {"row_numbers", ",timestamp,temp,hum\n" + rows([](const reading& r) {
                                return std::to_string(r.hour < 100 ? r.hour : r.hour - 100) + ',' +
                                       plain(r);
                            })},
            {"label_words", "timestamp,temp,hum,label\n" + rows([](const reading& r) {
                                return plain(r) + (r.hour == 20 ? ",broken" : ",fine");
                            }),
             " --label-values fine=0,broken=1"},
            {"blank_lines", header + rows(plain, "\n\n \n")},
        };
        for (const dialect& kind : kinds) {
            INFO(std::string{kind.name});
            const std::string file = std::string{kind.name} + ".csv";
            cli.write(file, kind.text);
            const json trained =
                run_json(cli, "train other " + file + " --window 6 --encoder 2 --epochs 1 --force" +
                                  kind.options);
            CHECK(trained["read"]["rows"] == count);
            CHECK(trained["features"].size() == 2);
            const auto& expected = kind.timed ? timed : untimed;
            const outcome judged = cli("detect m " + file + " --json" + kind.options);
            REQUIRE_MESSAGE(judged.code == 0, judged.err);
            check_same(scores_of(json::parse(judged.out)["verdicts"]), expected);
            const outcome streamed = cli(std::string{"stream m"} + kind.options, kind.text);
            REQUIRE_MESSAGE(streamed.code == 0, streamed.err);
            check_same(scores_of(lines_of(streamed.out)), expected);
        }
    }

    TEST_CASE("dialects: missing markers and switches, in the stream as in the file") {
        const program cli;
        const auto line = [](const char* marker, const char* on, const char* off) {
            return [=](const reading& r) {
                return (r.hour % 9 == 4 ? std::string{marker} : fixed(r.temperature)) + ',' +
                       (std::sin(0.26 * r.hour) > 0 ? on : off);
            };
        };
        cli.write("plain.csv", "temp,pump\n" + rows(line("", "1", "0")));
        for (const char* phase :
             {"train m plain.csv --window 6 --encoder 4 --epochs 2 --force --missing -99,lost",
              "fit-errors m plain.csv", "tune m plain.csv --quantile 1 --factor 1.3"}) {
            const outcome run = cli(std::string{phase} + " --quiet");
            REQUIRE_MESSAGE(run.code == 0, run.err);
        }
        const auto expected =
            scores_of(lines_of(cli("stream m", "temp,pump\n" + rows(line("", "1", "0"))).out));
        for (const char* marker : {"NA", "null", "?", "-", "#N/A", "-99.0", "lost", "n/a", "NaN"}) {
            INFO(marker);
            const std::string text = "temp,pump\n" + rows(line(marker, "ON", "Off"));
            check_same(scores_of(lines_of(cli("stream m", text).out)), expected);
            cli.write("marked.csv", text);
            check_same(scores_of(run_json(cli, "detect m marked.csv")["verdicts"]), expected);
        }
    }

    TEST_CASE("stream: a header that does not come is an error that names what is missing") {
        const program cli;
        cli.write("plain.csv", "temp,hum\n" + rows([](const reading& r) {
                                   return fixed(r.temperature) + ',' + fixed(r.humidity);
                               }));
        for (const char* phase : {"train m plain.csv --window 6 --encoder 4 --epochs 1 --force",
                                  "fit-errors m plain.csv", "tune m plain.csv"}) {
            REQUIRE(cli(std::string{phase} + " --quiet").code == 0);
        }
        for (const char* text : {"temp,other\n1,2\n", "temp,other\n", "Logger\nhum,x\n1,2\n"}) {
            const outcome run = cli("stream m", text);
            INFO(text << run.out);
            CHECK(run.code == 3);
            CHECK(run.err.find("standard input:") != std::string::npos);
            CHECK(run.err.find("no column named") != std::string::npos);
        }
        // Surplus cells of a row are a separate error.
        CHECK(cli("stream m", "1,2,3,4,5\n").code == 3);
        CHECK(cli("stream m", "").code == 0);
        // The mark is that of the first number that has one.
        const auto mixed = lines_of(cli("stream m", "temp;hum\n20;50\n20,5;50\n20.125;50\n").out);
        REQUIRE(mixed.size() == 3);
        CHECK(mixed[1]["verdict"] == "warming_up");
        CHECK(mixed[2]["verdict"] == "malformed_line");
        CHECK(lines_of(cli("stream m", "temp;hum\n20.125;50\n20.250;50\n").out)[1]["verdict"] ==
              "warming_up");
    }
}

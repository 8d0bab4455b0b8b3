#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace {

using nlohmann::json;

const std::string small = " --window 10 --encoder 6 --epochs 6 --learning-rate 0.01";
/// A name that would end the page's script if it were not escaped.
const std::string hostile = "</script><script>document.title='bad'</script><img src=x>";

/// A tuned model of two sensors, the second of which has a hostile name, and rows that are wrong
/// from 200 to 239: the first sensor is off by 3.
void make_recording(const program& cli, const std::string& times = "2024-03-01 ") {
    const auto rows = [&](int count, int wrong) {
        std::string text =
            (times.empty() ? "" : "timestamp,") + std::string{"speed,\""} + hostile + "\"\n";
        for (int t = 0; t < count; ++t) {
            const int phase = t % 20 < 10 ? t % 20 : 20 - t % 20;
            char line[96];
            std::snprintf(line, sizeof line, "%02d:%02d:00,", t / 60, t % 60);
            text += times.empty() ? "" : times + line;
            std::snprintf(line, sizeof line, "%d.%d,%d.%d\n",
                          phase + (wrong >= 0 && t >= wrong && t < wrong + 40 ? 30 : 0), t * 7 % 10,
                          2 * phase, t * 3 % 10);
            text += line;
        }
        return text;
    };
    cli.write("normal.csv", rows(600, -1));
    cli.write("wrong.csv", rows(400, 200));
    REQUIRE(cli("train m normal.csv" + small).code == 0);
    REQUIRE(cli("fit-errors m normal.csv").code == 0);
    REQUIRE(cli("tune m normal.csv --quantile 1 --factor 1.5").code == 0);
}

/// The object that the page's script reads.
json data_of(const std::string& page) {
    const std::string mark = "id=\"data\">";
    const auto begin = page.find(mark) + mark.size();
    return json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

std::size_t count_of(const std::string& text, const std::string& piece) {
    std::size_t count = 0;
    for (auto at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) {
        ++count;
    }
    return count;
}

/// The numbers of a block of the page, which are base64 of little-endian floats.
std::vector<float> block_of(const std::string& page, const std::string& name) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::string mark = "id=\"block-" + name + "\">";
    std::uint64_t bits = 0;
    int held = 0;
    std::vector<std::uint8_t> bytes;
    for (auto at = page.find(mark) + mark.size(); page[at] != '<' && page[at] != '='; ++at) {
        bits = bits << 6U | alphabet.find(page[at]);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes.push_back(static_cast<std::uint8_t>(bits >> static_cast<unsigned>(held)));
        }
    }
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
}

/// The name of a Chromium; empty if there is none.
std::string chromium() {
    for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
        if (std::system(("command -v " + std::string{name} + " >/dev/null 2>&1").c_str()) == 0) {
            return name;
        }
    }
    return {};
}

/// The page after its scripts and `script` have run, as HTML. The script is appended.
std::string in_browser(const program& cli, const std::string& browser, const std::string& page,
                       const std::string& script) {
    std::string text = cli.read(page);
    text.insert(text.rfind("</body>"), "<script>" + script + "</script>");
    cli.write("tried.html", text);
    const std::string folder = cli.path("").string();
    const std::string command =
        "cd '" + folder + "' && HOME='" + folder + "' timeout 120 " + browser +
        " --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --window-size=1200,1600 "
        "--user-data-dir='" +
        folder + "profile' --virtual-time-budget=8000 --dump-dom 'file://" + folder +
        "tried.html' >dom.html 2>browser.log";
    CHECK(std::system(command.c_str()) == 0);
    return cli.read("dom.html");
}

/// The value of an attribute of the root element.
std::string attribute(const std::string& dom, const std::string& name) {
    const std::string mark = "data-" + name + "=\"";
    const auto at = dom.find(mark);
    if (at == std::string::npos || at > dom.find("<head>")) {
        return {};
    }
    const auto begin = at + mark.size();
    return dom.substr(begin, dom.find('"', begin) - begin);
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("report: the alarm, its sensors, what was seen and what was expected") {
        const program cli;
        make_recording(cli);
        const json found = run_json(cli, "detect m wrong.csv --report r.html --m-of-n 1,1");
        const std::string page = cli.read("r.html");
        const json data = data_of(page);
        CHECK(data["rows"] == 400);
        CHECK(data["names"] == json({"speed", hostile}));
        CHECK(data["axis"]["kind"] == "time");
        CHECK(data["axis"]["usual_step"] == 60);
        CHECK(data["alarm_count"] == found["counts"]["alarms"]);
        CHECK(data["alarm_rows"] == found["counts"]["alarm_rows"]);
        CHECK(data["threshold"] == doctest::Approx(found["step_threshold"].get<double>()));
        CHECK(data["training"]["rmse"].size() == 6);
        CHECK(data["unscored"] == 9);
        REQUIRE(!data["alarms"].empty());
        const auto worst =
            std::max_element(data["alarms"].begin(), data["alarms"].end(),
                             [](const json& a, const json& b) { return a["score"] < b["score"]; });
        CHECK((*worst)["from"].get<std::string>() >= "2024-03-01 03:20:00");
        CHECK((*worst)["to"].get<std::string>() <= "2024-03-01 04:09:00");
        const json& carrier = (*worst)["sensors"][0];
        CHECK(carrier["feature"] == 0);
        CHECK(carrier["share"] > 0.5);
        CHECK(carrier["seen"].get<double>() > carrier["expected"].get<double>() + 5);
        const double times = (*worst)["x"][0].get<double>();
        CHECK(times >= 1709263200 - 3600 * 2); // 2024-03-01 03:20 UTC is 1709263200
        CHECK(times <= 1709263200 + 3600);
    }

    TEST_CASE("report: nothing of a name becomes markup, nothing is loaded") {
        const program cli;
        make_recording(cli);
        CHECK(cli("detect m wrong.csv --report '@JS@</title>.html'").code == 4); // no such folder
        cli.write("<b>&.csv", cli.read("wrong.csv"));
        REQUIRE(cli("detect m '<b>&.csv' --report r.html").code == 0);
        const std::string page = cli.read("r.html");
        CHECK(page.find("<title>Anomalies in &lt;b&gt;&amp;.csv</title>") != std::string::npos);
        CHECK(page.find("<script>document.title") == std::string::npos);
        CHECK(page.find("<img") == std::string::npos);
        CHECK(count_of(page, "<script") == count_of(page, "</script>"));
        for (const char* loads : {"<link", "src=\"", "@import", "url(", "fetch(", "XMLHttp"}) {
            INFO(std::string{loads});
            CHECK(page.find(loads) == std::string::npos);
        }
        CHECK(page.find("default-src 'none'") != std::string::npos);
        CHECK(page.find("MIT") != std::string::npos);
    }

    TEST_CASE("report: without times, with repeated times, with nothing found") {
        const program cli;
        make_recording(cli, "");
        REQUIRE(cli("detect m normal.csv --report r.html").code == 0);
        json data = data_of(cli.read("r.html"));
        CHECK(data["axis"]["kind"] == "row");
        CHECK(data["axis"]["note"] == "");
        CHECK(data["alarms"].empty());
        std::string text = "timestamp,speed,\"" + hostile + "\"\n";
        for (int t = 0; t < 30; ++t) {
            text += "2024-03-01 00:" + std::to_string(10 + t / 2) + ":00,1,2\n";
        }
        cli.write("twice.csv", text);
        REQUIRE(cli("detect m twice.csv --report r.html").code == 0);
        data = data_of(cli.read("r.html"));
        CHECK(data["axis"]["kind"] == "row");
        CHECK(data["axis"]["note"].get<std::string>().find("always increase") != std::string::npos);
    }

    TEST_CASE("report: only of rows; a lost sensor is named") {
        const program cli;
        make_recording(cli);
        const outcome windows = cli("detect m wrong.csv --stride 10 --report r.html");
        CHECK(windows.code == 2);
        CHECK(windows.err.find("--report") != std::string::npos);
        std::string text = "timestamp,speed,\"" + hostile + "\"\n";
        for (int t = 0; t < 200; ++t) {
            char line[64];
            std::snprintf(line, sizeof line, "2024-03-01 %02d:%02d:00,%s,%d\n", t / 60, t % 60,
                          t < 50 ? "5" : "", t % 10);
            text += line;
        }
        cli.write("lost.csv", text);
        REQUIRE(cli("detect m lost.csv --report r.html").code == 0);
        const json data = data_of(cli.read("r.html"));
        CHECK(std::any_of(data["alarms"].begin(), data["alarms"].end(),
                          [](const json& alarm) { return alarm["lost"] == json({0}); }));
    }

    TEST_CASE("report: a browser draws it, zooms, pans, opens an alarm, and runs no name") {
        const std::string browser = chromium();
        if (browser.empty()) {
            MESSAGE("skipped: no chromium");
            return;
        }
        const program cli;
        make_recording(cli);
        REQUIRE(cli("detect m wrong.csv --report r.html").code == 0);
        std::string dom = in_browser(cli, browser, "r.html", "");
        CHECK(attribute(dom, "ready") == "yes");
        CHECK(attribute(dom, "error").empty());
        CHECK(dom.find("<title>Anomalies in wrong.csv</title>") != std::string::npos);
        CHECK(dom.find("<img") == std::string::npos);
        CHECK(count_of(dom, "<canvas") == 5); // strip, score, two sensors, training
        const double low = std::stod(attribute(dom, "low"));
        const double high = std::stod(attribute(dom, "high"));
        CHECK(high - low == 399 * 60);

        dom = in_browser(cli, browser, "r.html",
                         "document.getElementById('zoom-in').click();"
                         "document.getElementById('pan-right').click();");
        CHECK(attribute(dom, "error").empty());
        CHECK(std::stod(attribute(dom, "high")) - std::stod(attribute(dom, "low")) ==
              doctest::Approx((high - low) / 2));
        CHECK(std::stod(attribute(dom, "low")) > low + (high - low) / 4);

        // A drag over the middle half of the score.
        dom = in_browser(
            cli, browser, "r.html",
            "const over = document.querySelector('#panels .u-over');"
            "const box = over.getBoundingClientRect();"
            "const mouse = (kind, part, target) => target.dispatchEvent(new MouseEvent(kind, "
            "{bubbles: true, button: 0, clientX: box.left + part * box.width, clientY: box.top + "
            "40, "
            "movementX: 50, view: window}));"
            "over.dispatchEvent(new MouseEvent('mouseenter'));"
            "mouse('mousemove', 0.25, over); mouse('mousedown', 0.25, over);"
            "mouse('mousemove', 0.5, over); mouse('mousemove', 0.75, over);"
            "mouse('mouseup', 0.75, document);");
        CHECK(std::stod(attribute(dom, "high")) - std::stod(attribute(dom, "low")) ==
              doctest::Approx((high - low) / 2).epsilon(0.02));

        dom = in_browser(cli, browser, "r.html",
                         "document.querySelector('#alarms tbody tr').click();");
        CHECK(attribute(dom, "error").empty());
        CHECK(dom.find("<h2>Alarm 1</h2>") != std::string::npos);
        CHECK(std::stod(attribute(dom, "high")) - std::stod(attribute(dom, "low")) <
              (high - low) / 1.5);
        CHECK(dom.find("<title>Anomalies in wrong.csv</title>") != std::string::npos);
    }

    TEST_CASE("report: a long recording is thinned to what the screen can show, peaks stay") {
        const program cli;
        make_recording(cli, "");
        std::string text = "speed,\"" + hostile + "\"\n";
        constexpr int rows = 60'000;
        for (int t = 0; t < rows; ++t) {
            const int phase = t % 20 < 10 ? t % 20 : 20 - t % 20;
            text += (t == 31'111 ? "500" : std::to_string(phase) + '.' + std::to_string(t % 10)) +
                    ',' + std::to_string(2 * phase) + '.' + std::to_string(t * 3 % 10) + '\n';
        }
        cli.write("long.csv", text);
        REQUIRE(cli("detect m long.csv -o v --report r.html").code == 0);
        const json data = data_of(cli.read("r.html"));
        CHECK(data["rows"] == rows);
        CHECK(data["rows_per_point"] == 1);
        const std::string browser = chromium();
        if (browser.empty()) {
            MESSAGE("skipped: no chromium");
            return;
        }
        const std::string dom = in_browser(cli, browser, "r.html", "");
        CHECK(attribute(dom, "ready") == "yes");
        CHECK(std::stoi(attribute(dom, "points")) < 3 * 2 * 1200 + 100);
        CHECK(std::stod(attribute(dom, "largest")) == 500);
    }

    TEST_CASE("report: the page of a million rows has a bounded size and keeps their extremes") {
        const program cli;
        constexpr int sensors = 6;
        constexpr int rows = 1'000'000;
        const auto recording = [](int count) {
            std::string text = "a,b,c,d,e,f\n";
            for (int t = 0; t < count; ++t) {
                for (int f = 0; f < sensors; ++f) {
                    const bool high = t == 654'321 && f == 3;
                    const bool low = t == 123'456 && f == 3;
                    text += (high  ? "800"
                             : low ? "-700"
                                   : std::to_string((7 * t + 3 * f) % 20)) +
                            (f + 1 < sensors ? ',' : '\n');
                }
            }
            return text;
        };
        cli.write("normal.csv", recording(2000));
        cli.write("long.csv", recording(rows));
        REQUIRE(cli("train m normal.csv --model linear --force").code == 0);
        REQUIRE(cli("fit-errors m normal.csv").code == 0);
        REQUIRE(cli("tune m normal.csv --quantile 1 --factor 2").code == 0);
        REQUIRE(cli("detect m long.csv -o v --report r.html").code == 0);
        const std::string page = cli.read("r.html");
        CHECK(page.size() < 36'000'000); // 6 million values, as text
        const json data = data_of(page);
        CHECK(data["rows"] == rows);
        const int rows_per_point = data["rows_per_point"].get<int>();
        CHECK(rows_per_point > 1);
        const std::vector<float> points = block_of(page, "seen-3");
        CHECK(points.size() <= 2 * (rows / 2 + 1));
        CHECK(*std::max_element(points.begin(), points.end()) == 800);
        CHECK(*std::min_element(points.begin(), points.end()) == -700);
        const std::vector<float> scores = block_of(page, "score");
        CHECK(scores.size() == points.size());
    }
}

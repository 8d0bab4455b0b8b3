#!/usr/bin/env python3
"""Writes the firmware headers as packages of the usual ecosystems.

    make_packages.py FOLDER

makes FOLDER/platformio, FOLDER/arduino, FOLDER/esp-idf and FOLDER/zephyr, each with the headers of
include/tocsin/firmware alone and a sample. The sample's model is one of random weights;
write_firmware() writes yours.
"""

import json
import pathlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = sorted((ROOT / "include/tocsin/firmware").glob("*.hpp"))
MODEL = (pathlib.Path(__file__).resolve().parent / "sample_model.hpp").read_text()
SENTENCE = "Finds anomalies in sensor streams with a small LSTM, trained on a host"
PARAGRAPH = ("A detector trained with tocsin becomes a header; tocsin::firmware::watcher judges "
             "each sample, without heap, exceptions or a C++ library.")
ADDRESS = "https://github.com/tocsin/tocsin"


def version():
    text = (ROOT / "include/tocsin/core/config.hpp").read_text()
    return ".".join(re.search(rf"#define TOCSIN_VERSION_{part} (\d+)", text).group(1)
                    for part in ("MAJOR", "MINOR", "PATCH"))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def copy_headers(folder):
    (folder / "tocsin/firmware").mkdir(parents=True)
    for header in HEADERS:
        shutil.copy(header, folder / "tocsin/firmware" / header.name)


LOOP = """    // Replace these by readings of your sensors.
    const float sample[sample_model::model_type::features] = {0.1f, 20.3f};
    const auto verdict = machine_watcher.push(sample);
"""


def platformio(folder):
    copy_headers(folder / "include")
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE")
    write(folder / "library.json", json.dumps({
        "name": "tocsin",
        "version": version(),
        "description": f"{SENTENCE}. {PARAGRAPH}",
        "keywords": ["anomaly detection", "lstm", "machine learning", "sensors"],
        "repository": {"type": "git", "url": f"{ADDRESS}.git"},
        "license": "MIT",
        "frameworks": "*",
        "platforms": "*",
        "headers": "tocsin/firmware/watcher.hpp",
        "build": {"flags": "-std=gnu++20", "unflags": ["-std=gnu++11", "-std=gnu++14",
                                                       "-std=gnu++17"]},
        "examples": [{"name": "watch", "base": "examples/watch",
                      "files": ["src/main.cpp", "src/sample_model.hpp"]}],
    }, indent=2) + "\n")
    write(folder / "examples/watch/src/sample_model.hpp", MODEL)
    write(folder / "examples/watch/src/main.cpp", f"""#include "sample_model.hpp"

constinit tocsin::firmware::watcher<sample_model::model> machine_watcher;
volatile bool alarm = false;

int main() {{
    if (machine_watcher.self_test() != tocsin::firmware::self_test_result::passed) {{
        return 1;
    }}
    for (;;) {{
{LOOP.replace("    ", "        ", 3)}        alarm = verdict.is_anomaly();
    }}
}}
""")
    write(folder / "examples/watch/platformio.ini", """[env:nucleo_f446re]
platform = ststm32
board = nucleo_f446re
framework = stm32cube
build_unflags = -std=gnu++11 -std=gnu++14 -std=gnu++17
build_flags = -std=gnu++20
lib_deps = symlink://../..
""")


def arduino(folder):
    library = folder / "tocsin"
    copy_headers(library / "src")
    shutil.copy(ROOT / "LICENSE", library / "LICENSE")
    write(library / "library.properties", f"""name=tocsin
version={version()}
author=the authors of tocsin
maintainer=the authors of tocsin
sentence={SENTENCE}
paragraph={PARAGRAPH} Needs a core that compiles C++20.
category=Data Processing
url={ADDRESS}
architectures=*
includes=tocsin.h
""")
    write(library / "src/tocsin.h", """// The header that the Arduino IDE includes for the library.
#pragma once
#include "tocsin/firmware/watcher.hpp"
""")
    write(library / "examples/watch/sample_model.hpp", MODEL)
    write(library / "examples/watch/watch.ino", f"""// Prints the score of each sample, and whether it is an anomaly.
#include <tocsin.h>

#include "sample_model.hpp"

constinit tocsin::firmware::watcher<sample_model::model> machine_watcher;

void setup() {{
    Serial.begin(115200);
    if (machine_watcher.self_test() != tocsin::firmware::self_test_result::passed) {{
        Serial.println("tocsin: the self-test failed");
    }}
}}

void loop() {{
{LOOP}    Serial.print(to_string(verdict.kind));
    Serial.print(' ');
    Serial.println(verdict.score);
    delay(1000);
}}
""")


def esp_idf(folder):
    component = folder / "tocsin"
    copy_headers(component / "include")
    shutil.copy(ROOT / "LICENSE", component / "LICENSE")
    write(component / "idf_component.yml", f"""version: "{version()}"
description: {SENTENCE}
url: {ADDRESS}
license: MIT
dependencies:
  idf: ">=5.0"
""")
    write(component / "CMakeLists.txt", """idf_component_register(INCLUDE_DIRS "include")
target_compile_features(${COMPONENT_LIB} INTERFACE cxx_std_20)
""")
    sample = component / "examples/watch"
    write(sample / "CMakeLists.txt", """cmake_minimum_required(VERSION 3.16)
set(EXTRA_COMPONENT_DIRS "../..")
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
project(watch)
""")
    write(sample / "main/CMakeLists.txt", """idf_component_register(SRCS "main.cpp" REQUIRES tocsin)
""")
    write(sample / "main/sample_model.hpp", MODEL)
    write(sample / "main/main.cpp", f"""#include "sample_model.hpp"

#include <cstdio>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>

static constinit tocsin::firmware::watcher<sample_model::model> machine_watcher;

extern "C" void app_main() {{
    if (machine_watcher.self_test() != tocsin::firmware::self_test_result::passed) {{
        std::puts("tocsin: the self-test failed");
    }}
    for (;;) {{
{LOOP.replace("    ", "        ", 3)}        std::printf("%s %f\\n", to_string(verdict.kind), static_cast<double>(verdict.score));
        vTaskDelay(pdMS_TO_TICKS(1000));
    }}
}}
""")


def zephyr(folder):
    module = folder / "tocsin"
    copy_headers(module / "include")
    shutil.copy(ROOT / "LICENSE", module / "LICENSE")
    write(module / "zephyr/module.yml", """name: tocsin
build:
  cmake: zephyr
  kconfig: zephyr/Kconfig
samples:
  - samples
""")
    write(module / "zephyr/Kconfig", """config TOCSIN
\tbool "tocsin: anomalies in sensor streams"
\tdepends on CPP
\timply FPU
\thelp
\t  Puts the headers of tocsin::firmware on the include path. They need
\t  CONFIG_STD_CPP20. Models in float use the floating-point unit where there
\t  is one; CONFIG_FPU_SHARING if several threads do.
""")
    write(module / "zephyr/CMakeLists.txt", """if(CONFIG_TOCSIN)
  zephyr_include_directories(../include)
endif()
""")
    sample = module / "samples/watch"
    write(sample / "CMakeLists.txt", """cmake_minimum_required(VERSION 3.20.0)
list(APPEND EXTRA_ZEPHYR_MODULES "${CMAKE_CURRENT_SOURCE_DIR}/../..")
find_package(Zephyr REQUIRED HINTS $ENV{ZEPHYR_BASE})
project(watch LANGUAGES CXX)
target_sources(app PRIVATE src/main.cpp)
""")
    write(sample / "prj.conf", """CONFIG_CPP=y
CONFIG_STD_CPP20=y
CONFIG_TOCSIN=y
""")
    write(sample / "sample.yaml", """sample:
  name: tocsin watch
tests:
  sample.tocsin.watch:
    build_only: true
    platform_allow: qemu_cortex_m3 mps2/an386
""")
    write(sample / "src/sample_model.hpp", MODEL)
    write(sample / "src/main.cpp", f"""#include "sample_model.hpp"

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

static constinit tocsin::firmware::watcher<sample_model::model> machine_watcher;

int main() {{
    if (machine_watcher.self_test() != tocsin::firmware::self_test_result::passed) {{
        printk("tocsin: the self-test failed\\n");
        return 0;
    }}
    for (;;) {{
{LOOP.replace("    ", "        ", 3)}        printk("%s\\n", to_string(verdict.kind));
        k_sleep(K_SECONDS(1));
    }}
}}
""")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    for name, make in (("platformio", platformio), ("arduino", arduino), ("esp-idf", esp_idf),
                       ("zephyr", zephyr)):
        shutil.rmtree(folder / name, ignore_errors=True)
        make(folder / name)
        print(folder / name)


if __name__ == "__main__":
    main()

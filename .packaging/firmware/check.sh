#!/usr/bin/env bash
# Makes the packages, and compiles what can be compiled without the ecosystems' own tools: the samples
# of the PlatformIO and the Arduino package for a Cortex-M4F. Those of ESP-IDF and Zephyr need their
# frameworks and are only checked for completeness.
#     check.sh PYTHON FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$1
folder=$2
"$python" "$here/make_packages.py" "$folder"
"$python" -m json.tool "$folder/platformio/library.json" >/dev/null
for file in arduino/tocsin/library.properties esp-idf/tocsin/idf_component.yml \
    esp-idf/tocsin/CMakeLists.txt zephyr/tocsin/zephyr/module.yml zephyr/tocsin/zephyr/Kconfig; do
    [ -s "$folder/$file" ] || { echo "missing: $file"; exit 1; }
done
# The packages must not contain headers of the host's library.
if grep -rhE '^#include [<"](tocsin/(core|math|io|detect)|Eigen|xsimd|[a-z_]+>)' "$folder" --include='*.hpp' |
    grep -v stdint.h; then
    echo "a package includes more than the freestanding headers"
    exit 1
fi
command -v arm-none-eabi-g++ >/dev/null || { echo "skipped: arm-none-eabi-g++ is not installed"; exit 77; }
compile=(arm-none-eabi-g++ -std=gnu++20 -O2 -fno-exceptions -fno-rtti -mcpu=cortex-m4 -mthumb
    -mfloat-abi=hard -mfpu=fpv4-sp-d16 -Wall -Wextra -Werror -c -o "$folder/sample.o")
"${compile[@]}" -I"$folder/platformio/include" "$folder/platformio/examples/watch/src/main.cpp"
echo "PlatformIO: the sample compiles"
# The header that the Arduino IDE puts before a sketch.
cat >"$folder/Arduino.h" <<'END'
struct serial {
    void begin(long) {}
    void print(const char*) {}
    void print(char) {}
    void println(const char*) {}
    void println(float) {}
};
inline serial Serial;
inline void delay(unsigned long) {}
END
"${compile[@]}" -I"$folder/arduino/tocsin/src" -include "$folder/Arduino.h" \
    -x c++ "$folder/arduino/tocsin/examples/watch/watch.ino"
echo "Arduino: the sketch compiles"

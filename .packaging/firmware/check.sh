#!/usr/bin/env bash
# Makes the packages, runs the self-test of the samples' model on this machine, and compiles what can be
# compiled without the ecosystems' own tools: the samples of the PlatformIO and the Arduino package
# for a Cortex-M4F. Those of ESP-IDF and Zephyr need their frameworks and are only checked for
# completeness.
#     check.sh PYTHON FOLDER COMPILER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$1
folder=$2
compiler=$3
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
cat >"$folder/self_test.cpp" <<'END'
#include "sample_model.hpp"
static constinit tocsin::firmware::watcher<sample_model::model> watcher;
int main() {
    return watcher.self_test() == tocsin::firmware::self_test_result::passed ? 0 : 1;
}
END
"$compiler" -std=c++20 -O1 -I"$folder/platformio/include" -I"$folder/platformio/examples/watch/src" \
    "$folder/self_test.cpp" -o "$folder/self_test"
"$folder/self_test" || { echo "the self-test of the samples' model fails"; exit 1; }
echo "the self-test of the samples' model passes"
command -v arm-none-eabi-g++ >/dev/null || { echo "skipped: arm-none-eabi-g++ is not installed"; exit 77; }
compile=(arm-none-eabi-g++ -std=gnu++20 -O2 -fno-exceptions -fno-rtti -mcpu=cortex-m4 -mthumb
    -mfloat-abi=hard -mfpu=fpv4-sp-d16 -Wall -Wextra -Werror -c -o "$folder/sample.o")
"${compile[@]}" -I"$folder/platformio/include" "$folder/platformio/examples/watch/src/main.cpp"
echo "PlatformIO: the sample compiles"
# The header that the Arduino IDE puts before a sketch; cores define these macros, some only a part.
cat >"$folder/Arduino.h" <<'END'
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define abs(x) ((x) > 0 ? (x) : -(x))
#define round(x) ((x) >= 0 ? (long)((x) + 0.5) : (long)((x) - 0.5))
#define constrain(x, low, high) ((x) < (low) ? (low) : ((x) > (high) ? (high) : (x)))
#define radians(x) ((x) * 0.017453292519943295)
#define degrees(x) ((x) * 57.29577951308232)
#define sq(x) ((x) * (x))
#define bit(b) (1UL << (b))
#define bitRead(value, bit) (((value) >> (bit)) & 0x01)
#define lowByte(w) ((unsigned char)((w) & 0xff))
#define highByte(w) ((unsigned char)((w) >> 8))
#define F(text) (text)
#define _BV(b) (1 << (b))
#define PI 3.1415926535897932
#define EULER 2.718281828459045
#define HIGH 1
#define LOW 0
#define INPUT 0
#define OUTPUT 1
#define CHANGE 1
#define FALLING 2
#define RISING 3
#define DEFAULT 1
#define EXTERNAL 0
#define INTERNAL 3
#define SERIAL 0
#define DISPLAY 1
#define B0 0
#define B1 1
#define B00 0
#define B01 1
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

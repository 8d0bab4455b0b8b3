#!/usr/bin/env bash
# Trains on this machine, exports, runs on an emulated Cortex-M4F, and compares the verdicts.
#     examples/08_firmware/run.sh [FOLDER [PROGRAM]]
# PROGRAM is train.cpp, compiled; without it, it is compiled here. Needs g++, Eigen, and, on Debian,
# gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm. Exit code 77: one is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=$root/tests/firmware/target
folder=${1:-firmware_example}
for tool in arm-none-eabi-g++ qemu-system-arm; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
mkdir -p "$folder"
train=${2:-$folder/train}
if [ $# -lt 2 ]; then
    eigen=$(pkg-config --cflags eigen3 2>/dev/null || echo -I/usr/include/eigen3)
    # shellcheck disable=SC2086
    "${CXX:-g++}" -std=c++20 -O2 $eigen -I"$root/include" -I"$root/examples" "$here/train.cpp" -o "$train"
fi
"$train" "$folder"
arm-none-eabi-g++ -std=c++20 -O2 -fno-exceptions -fno-rtti -mcpu=cortex-m4 -mthumb \
    -mfloat-abi=hard -mfpu=fpv4-sp-d16 -nostdlib -ffunction-sections -fdata-sections \
    -Wl,--gc-sections -T "$target/cortex_m.ld" -Wl,--defsym=CODE=0 -Wl,--defsym=RAM=0x20000000 \
    -I"$root/include" -I"$target" -I"$folder" "$here/monitor.cpp" "$target/cortex_m_start.cpp" \
    -lc -lgcc -o "$folder/monitor.elf"
arm-none-eabi-size "$folder/monitor.elf"
timeout 60 qemu-system-arm -M mps2-an386 -nographic -semihosting-config enable=on,target=native \
    -kernel "$folder/monitor.elf" >"$folder/target_verdicts.txt" 2>&1 </dev/null
cat "$folder/target_verdicts.txt"
diff "$folder/verdicts.txt" "$folder/target_verdicts.txt"
echo "the verdicts of the microcontroller and the host are the same"

# One program for several instruction sets: a module with the detector is built for each, and the loader of
# glibc (2.33 or newer) takes the widest one that the processor has. docs/kernels.md describes it.
if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" OR NOT CMAKE_SYSTEM_NAME STREQUAL "Linux"
   OR CMAKE_CROSSCOMPILING OR NOT TOCSIN_XSIMD OR CMAKE_CXX_FLAGS MATCHES "-m(arch|32|avx)|-fsanitize")
    message(STATUS "tocsin: the test of several instruction sets is left out (not on this target)")
    return()
endif()
set(modules "${CMAKE_CURRENT_BINARY_DIR}/dispatch")
set(folder_base "${modules}")
set(folder_v3 "${modules}/glibc-hwcaps/x86-64-v3")
foreach(build base v3)
    add_library(tocsin_scoring_${build} SHARED dispatch/scoring.cpp)
    target_link_libraries(tocsin_scoring_${build} PRIVATE tocsin_own)
    # What is inline must not be taken from a module of another instruction set.
    set_target_properties(
        tocsin_scoring_${build} PROPERTIES OUTPUT_NAME tocsin_scoring CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON LIBRARY_OUTPUT_DIRECTORY "${folder_${build}}")
endforeach()
target_compile_options(tocsin_scoring_v3 PRIVATE -march=x86-64-v3 -Wno-maybe-uninitialized)
add_executable(tocsin_dispatch dispatch/main.cpp)
target_link_libraries(tocsin_dispatch PRIVATE tocsin_scoring_base)
set_target_properties(tocsin_dispatch PROPERTIES BUILD_RPATH "${modules}")
add_dependencies(tocsin_dispatch tocsin_scoring_v3)
# The same score by both; the second run is told that the processor has no AVX2.
add_test(
    NAME dispatch
    COMMAND
        sh -c
        "wide=$($<TARGET_FILE:tocsin_dispatch>) && narrow=$(GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2 $<TARGET_FILE:tocsin_dispatch>) && echo \"$wide; $narrow\" && test \"\${wide#*,}\" = \"\${narrow#*,}\" && test \"\${narrow%%,*}\" = '16 bytes' && { ! grep -qw avx2 /proc/cpuinfo || test \"\${wide%%,*}\" = '32 bytes'; }")

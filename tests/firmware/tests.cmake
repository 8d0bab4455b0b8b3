# Included by tests/CMakeLists.txt. The tests watch by headers that are exported while they are
# built; the last test runs the same headers on all targets whose toolchain and emulator are there.
add_executable(tocsin_firmware_models firmware/write_models.cpp)
target_link_libraries(tocsin_firmware_models PRIVATE tocsin_own)
target_include_directories(tocsin_firmware_models PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
set(models plain_8 plain_16 plain_32 rich windowed reconstructing reversing complete two_layers_int16
    two_layers_int8 alarmed alarmed_int16 alarmed_int8 alarmed_complete counting
    counting_complete learning sharing sharing_int16 peaks ahead rows convolving
    convolving_complete feeding linear windowed_linear fused adds_missing adds_alarm adds_shares
    adds_learning adds_peaks adds_layer adds_ahead adds_whole adds_whole_missing adds_window
    adds_decoder)
foreach(format int16 int8)
    list(APPEND models plain_8_${format} plain_16_${format} plain_32_${format} windowed_${format}
                reconstructing_${format} reversing_${format} rows_${format} convolving_${format}
                feeding_${format} windowed_linear_${format})
endforeach()
set(model_dir "${CMAKE_CURRENT_BINARY_DIR}/firmware_models")
file(MAKE_DIRECTORY "${model_dir}")
list(TRANSFORM models PREPEND "${model_dir}/" OUTPUT_VARIABLE model_headers)
list(TRANSFORM model_headers APPEND ".hpp")
add_custom_command(
    OUTPUT ${model_headers}
    COMMAND tocsin_firmware_models "${model_dir}"
    DEPENDS tocsin_firmware_models
    COMMENT "Exporting detectors for firmware"
    VERBATIM)
target_sources(tocsin_firmware_tests PRIVATE ${model_headers})
target_include_directories(tocsin_firmware_tests PRIVATE "${model_dir}")

# Flags with which scores would have other bits are refused; clang announces only the first.
function(tocsin_add_refused_flag compiler flag)
    cmake_path(GET compiler FILENAME name)
    add_test(NAME firmware.refused.${name}${flag}
             COMMAND "${compiler}" -std=c++20 -fsyntax-only ${flag} ${ARGN} -x c++
                     "${PROJECT_SOURCE_DIR}/include/tocsin/firmware/arithmetic.hpp")
    set_tests_properties(firmware.refused.${name}${flag}
                         PROPERTIES PASS_REGULAR_EXPRESSION "compile without -ffast-math")
endfunction()
find_program(TOCSIN_ANY_CLANG NAMES clang++-19 clang++-14 clang++)
mark_as_advanced(TOCSIN_ANY_CLANG)
if(TOCSIN_ANY_CLANG)
    tocsin_add_refused_flag("${TOCSIN_ANY_CLANG}" -ffast-math)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    tocsin_add_refused_flag("${CMAKE_CXX_COMPILER}" -ffast-math)
    tocsin_add_refused_flag("${CMAKE_CXX_COMPILER}" -freciprocal-math)
    tocsin_add_refused_flag("${CMAKE_CXX_COMPILER}" -fassociative-math -fno-signed-zeros
                            -fno-trapping-math)
endif()

set(TOCSIN_FIRMWARE_REQUIRED_TARGETS "" CACHE STRING
    "Targets that firmware.targets must not skip, such as Cortex-M4F; names with commas")
mark_as_advanced(TOCSIN_FIRMWARE_REQUIRED_TARGETS)
find_package(Python3 COMPONENTS Interpreter QUIET)
if(NOT Python3_FOUND)
    message(STATUS "tocsin: exported models are not run on other targets (Python 3 not found)")
    return()
endif()
# What each feature adds to a program, for docs/firmware.md, is of interest where the targets are.
if(NOT TOCSIN_FIRMWARE_REQUIRED_TARGETS)
    list(FILTER models EXCLUDE REGEX "^adds_")
endif()
list(JOIN models "," model_list)
add_test(NAME firmware.targets
         COMMAND "${Python3_EXECUTABLE}" "${CMAKE_CURRENT_SOURCE_DIR}/firmware/targets.py"
                 "${model_dir}" --models "${model_list},timed_plain_8"
                 --hash-models "plain_8,timed_plain_8,rich,windowed,reconstructing,plain_8_int8,two_layers_int16,two_layers_int8,counting,learning,sharing,sharing_int16,peaks,rows,convolving,feeding,linear,windowed_linear,windowed_int16,reconstructing_int8,rows_int8,rows_int16,convolving_int8,convolving_int16,feeding_int16,windowed_linear_int8"
                 --compiler "${CMAKE_CXX_COMPILER}"
                 --require "${TOCSIN_FIRMWARE_REQUIRED_TARGETS}"
                 --work "${CMAKE_CURRENT_BINARY_DIR}/firmware_targets")
set_tests_properties(firmware.targets PROPERTIES SKIP_RETURN_CODE 77 LABELS firmware)

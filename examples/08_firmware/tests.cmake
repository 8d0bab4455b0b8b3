# Included by examples/CMakeLists.txt: trains on the host, runs on an emulated Cortex-M4F.
add_executable(08_firmware 08_firmware/train.cpp)
target_link_libraries(08_firmware PRIVATE tocsin_own)
target_include_directories(08_firmware PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
if(NOT MSVC)
    target_compile_options(08_firmware PRIVATE $<$<CONFIG:Debug>:-O1>)
endif()
find_program(TOCSIN_BASH NAMES bash)
mark_as_advanced(TOCSIN_BASH)
if(TOCSIN_BASH)
    add_test(NAME example.08_firmware
             COMMAND "${TOCSIN_BASH}" "${CMAKE_CURRENT_SOURCE_DIR}/08_firmware/run.sh"
                     "${output_dir}/firmware" "$<TARGET_FILE:08_firmware>")
    set_tests_properties(example.08_firmware PROPERTIES SKIP_RETURN_CODE 77 LABELS firmware)
endif()

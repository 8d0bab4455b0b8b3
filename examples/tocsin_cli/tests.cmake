# Included by examples/CMakeLists.txt: runs the program as a user does, phase by phase.
if(NOT TOCSIN_BUILD_TESTS)
    return()
endif()
add_executable(tocsin_cli_tests tocsin_cli/tests/classifier_test.cpp
                                tocsin_cli/tests/dialects_test.cpp
                                tocsin_cli/tests/embedding_test.cpp
                                tocsin_cli/tests/export_test.cpp
                                tocsin_cli/tests/files_test.cpp
                                tocsin_cli/tests/fit_test.cpp
                                tocsin_cli/tests/hostile_arguments_test.cpp
                                tocsin_cli/tests/import_test.cpp
                                tocsin_cli/tests/left_out_test.cpp
                                tocsin_cli/tests/memory_test.cpp
                                tocsin_cli/tests/phases_test.cpp
                                tocsin_cli/tests/reading_test.cpp
                                tocsin_cli/tests/report_test.cpp
                                tocsin_cli/tests/search_test.cpp
                                tocsin_cli/tests/thresholds_test.cpp
                                tocsin_cli/tests/told_test.cpp
                                tocsin_cli/tests/wrong_input_test.cpp)
target_link_libraries(tocsin_cli_tests PRIVATE tocsin_test_main)
# A file of its own for the path, so that a compiler cache serves the tests of every checkout.
file(GENERATE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/cli_path_$<CONFIG>.cpp"
     CONTENT "extern const char* const cli_path;\nconst char* const cli_path = \"$<TARGET_FILE:tocsin_cli>\";\n")
target_sources(tocsin_cli_tests PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/cli_path_$<CONFIG>.cpp")
add_dependencies(tocsin_cli_tests tocsin_cli)
add_test(NAME example.tocsin_cli COMMAND tocsin_cli_tests)

# Real recordings through `export` and an emulated microcontroller.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_FOUND)
    add_test(NAME firmware.recording
             COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tests/firmware/recording.py"
                     --cli "$<TARGET_FILE:tocsin_cli>"
                     --work "${CMAKE_CURRENT_BINARY_DIR}/firmware_recordings")
    set_tests_properties(firmware.recording PROPERTIES SKIP_RETURN_CODE 77 LABELS firmware)
endif()

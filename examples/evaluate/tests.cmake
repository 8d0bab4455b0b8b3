# Included by examples/CMakeLists.txt. The real data takes a minute, so it is evaluated in optimised
# builds only.
if(NOT TOCSIN_BUILD_TESTS)
    return()
endif()
add_executable(evaluate_tests evaluate/tests/evaluate_test.cpp evaluate/tests/suites_test.cpp
                              evaluate/tests/streams_test.cpp evaluate/tests/pictures_test.cpp
                              evaluate/tests/event_rule_test.cpp
                              evaluate/tests/generated_streams_test.cpp evaluate/event_rule.cpp
                              evaluate/generated_streams.cpp
                              evaluate/inserted_anomalies.cpp evaluate/pictures.cpp
                              evaluate/scoring_task.cpp evaluate/streams.cpp)
target_link_libraries(evaluate_tests PRIVATE tocsin_test_main nlohmann_json::nlohmann_json)
target_include_directories(evaluate_tests PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}"
                                                  "${CMAKE_CURRENT_SOURCE_DIR}/evaluate")
target_compile_definitions(
    evaluate_tests PRIVATE "EVALUATE_PROGRAM=\"$<TARGET_FILE:evaluate>\""
                           EVALUATE_REAL_DATA=$<CONFIG:Release,RelWithDebInfo>)
add_dependencies(evaluate_tests evaluate)
add_test(NAME example.evaluate COMMAND evaluate_tests "--test-suite=evaluate")
add_test(NAME example.evaluate.real_data COMMAND evaluate_tests "--test-suite=evaluate on real data")

# Included by examples/CMakeLists.txt. The real data takes a minute, so it is evaluated in optimised
# builds only.
if(NOT TOCSIN_BUILD_TESTS)
    return()
endif()
add_executable(evaluate_tests evaluate/tests/evaluate_test.cpp)
target_link_libraries(evaluate_tests PRIVATE tocsin_test_main)
target_compile_definitions(
    evaluate_tests PRIVATE "EVALUATE_PROGRAM=\"$<TARGET_FILE:evaluate>\""
                           EVALUATE_REAL_DATA=$<CONFIG:Release,RelWithDebInfo>)
add_dependencies(evaluate_tests evaluate)
add_test(NAME example.evaluate COMMAND evaluate_tests "--test-suite=evaluate")
add_test(NAME example.evaluate.real_data COMMAND evaluate_tests "--test-suite=evaluate on real data")

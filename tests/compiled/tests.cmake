# tocsin::compiled must not change a bit of what is learned or scored.
foreach(build header_only linked)
    add_executable(tocsin_compiled_${build} "${CMAKE_CURRENT_LIST_DIR}/main.cpp")
    target_link_libraries(tocsin_compiled_${build} PRIVATE tocsin_own)
endforeach()
target_link_libraries(tocsin_compiled_linked PRIVATE tocsin::compiled)
add_test(
    NAME compiled.same_bits
    COMMAND sh -c "a=$($<TARGET_FILE:tocsin_compiled_header_only>) && b=$($<TARGET_FILE:tocsin_compiled_linked>) && echo \"$a $b\" && test \"$a\" = \"$b\"")

# A program for other vector registers packs weights in another order: it must not link.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND TOCSIN_XSIMD AND NOT CMAKE_CXX_FLAGS MATCHES "-m(arch|avx|32)")
    add_executable(tocsin_compiled_other_registers EXCLUDE_FROM_ALL "${CMAKE_CURRENT_LIST_DIR}/main.cpp")
    target_compile_options(tocsin_compiled_other_registers PRIVATE -mavx2 -mfma)
    target_link_libraries(tocsin_compiled_other_registers PRIVATE tocsin_own tocsin::compiled)
    add_test(NAME compiled.other_registers
             COMMAND "${CMAKE_COMMAND}" --build "${PROJECT_BINARY_DIR}" --target
                     tocsin_compiled_other_registers)
    set_tests_properties(compiled.other_registers PROPERTIES PASS_REGULAR_EXPRESSION "compiled_for<8, 4, 32>")
endif()

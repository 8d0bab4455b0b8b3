# Link-time optimisation must not change a bit of what is learned or scored.
include(CheckIPOSupported)
check_ipo_supported(RESULT lto_works LANGUAGES CXX)
if(NOT lto_works)
    message(STATUS "tocsin: the test of link-time optimisation is left out (not supported here)")
    return()
endif()
foreach(build plain optimised)
    add_executable(tocsin_lto_${build} "${CMAKE_CURRENT_LIST_DIR}/main.cpp"
                                       "${CMAKE_CURRENT_LIST_DIR}/scores.cpp")
    target_link_libraries(tocsin_lto_${build} PRIVATE tocsin_own)
endforeach()
set_target_properties(tocsin_lto_optimised PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
add_test(
    NAME lto.same_bits
    COMMAND sh -c "a=$($<TARGET_FILE:tocsin_lto_plain>) && b=$($<TARGET_FILE:tocsin_lto_optimised>) && echo \"$a $b\" && test \"$a\" = \"$b\"")

# Compiles and runs the consumer's source with what pkg-config says about the installed tree.
# Takes PREFIX, PKG_CONFIG, CXX, FLAGS, EXPECTED_VERSION and OUTPUT.
set(ENV{PKG_CONFIG_PATH} "${PREFIX}/share/pkgconfig:$ENV{PKG_CONFIG_PATH}")

function(run)
    execute_process(COMMAND ${ARGV} OUTPUT_VARIABLE output OUTPUT_STRIP_TRAILING_WHITESPACE
                            COMMAND_ERROR_IS_FATAL ANY)
    message(STATUS "${output}")
    set(output "${output}" PARENT_SCOPE)
endfunction()

run("${PKG_CONFIG}" --modversion tocsin)
if(NOT output STREQUAL EXPECTED_VERSION)
    message(FATAL_ERROR "pkg-config found tocsin ${output}, expected ${EXPECTED_VERSION}")
endif()
run("${PKG_CONFIG}" --cflags --libs tocsin)
separate_arguments(flags UNIX_COMMAND "${FLAGS} ${output}")
run("${CXX}" -std=c++20 "${CMAKE_CURRENT_LIST_DIR}/main.cpp" ${flags} -o "${OUTPUT}")
run("${OUTPUT}")

# The regression check by instruction counts. The counts belong to one compiler with fixed flags,
# so that they mean the same on every machine; Valgrind 3.19 does not know AVX-512.
find_program(TOCSIN_VALGRIND valgrind)
find_program(TOCSIN_GXX12 g++-12)
find_path(TOCSIN_VALGRIND_INCLUDE valgrind/callgrind.h)
mark_as_advanced(TOCSIN_VALGRIND TOCSIN_GXX12 TOCSIN_VALGRIND_INCLUDE)
if(NOT TOCSIN_VALGRIND OR NOT TOCSIN_GXX12 OR NOT TOCSIN_VALGRIND_INCLUDE
   OR NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" OR NOT TOCSIN_XSIMD)
    message(STATUS "tocsin: instruction counts are left out: they need valgrind and g++-12 on "
                   "x86-64, and xsimd (Debian: valgrind g++-12 libxsimd-dev)")
    return()
endif()

set(program "${CMAKE_CURRENT_BINARY_DIR}/instruction_counts")
set(includes "${PROJECT_SOURCE_DIR}/include")
foreach(target IN ITEMS Eigen3::Eigen tocsin::xsimd)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(folders)
        list(APPEND includes ${folders})
    endif()
endforeach()
list(APPEND includes "${TOCSIN_VALGRIND_INCLUDE}")
list(REMOVE_ITEM includes /usr/include)
list(TRANSFORM includes PREPEND -I)
set(objects)
foreach(name IN ITEMS instruction_counts instruction_counts_push)
    set(object "${CMAKE_CURRENT_BINARY_DIR}/${name}.o")
    add_custom_command(
        OUTPUT "${object}"
        COMMAND "${TOCSIN_GXX12}" -std=c++20 -O2 -DNDEBUG -march=x86-64-v3 -mtune=generic ${includes} -MD
                -MF "${object}.d" -c -o "${object}" "${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp"
        DEPENDS ${name}.cpp
        DEPFILE "${object}.d"
        COMMENT "${name}, for callgrind"
        VERBATIM)
    list(APPEND objects "${object}")
endforeach()
add_custom_command(
    OUTPUT "${program}"
    COMMAND "${TOCSIN_GXX12}" -o "${program}" ${objects}
    DEPENDS ${objects}
    VERBATIM)
add_custom_target(instruction_counts_program ALL DEPENDS "${program}")

set(check "${CMAKE_COMMAND}" -D "VALGRIND=${TOCSIN_VALGRIND}" -D "PROGRAM=${program}" -D
          "STORED=${CMAKE_CURRENT_SOURCE_DIR}/instruction_counts.json" -D
          "WORK=${CMAKE_CURRENT_BINARY_DIR}/callgrind")
set(script "${CMAKE_CURRENT_SOURCE_DIR}/instruction_counts.cmake")
add_custom_target(
    instruction_counts_refresh
    COMMAND ${check} -D REFRESH=ON -P "${script}"
    DEPENDS "${program}"
    COMMENT "Stores new instruction counts"
    VERBATIM)
add_test(NAME bench.instruction_counts COMMAND ${check} -P "${script}")
set_tests_properties(bench.instruction_counts PROPERTIES LABELS instructions)

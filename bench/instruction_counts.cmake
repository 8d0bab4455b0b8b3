# Counts instructions of step and training kernels by callgrind and compares them with those stored
# in instruction_counts.json: counts, unlike times, do not depend on the load of the machine.
#
#     cmake -D VALGRIND=valgrind -D PROGRAM=... -D STORED=instruction_counts.json
#           -D WORK=<folder> [-D REFRESH=ON] -P instruction_counts.cmake
cmake_minimum_required(VERSION 3.24)
set(tolerance_percent 5)

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
execute_process(
    COMMAND "${VALGRIND}" --tool=callgrind --collect-atstart=no
            "--callgrind-out-file=${WORK}/counts.out" "${PROGRAM}"
    OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE code)
if(NOT code EQUAL 0)
    message(FATAL_ERROR "${VALGRIND} ${PROGRAM}: exit ${code}\n${output}")
endif()

# One file per case, named in it after "Trigger: Client Request: ".
set(counts "{}")
file(GLOB dumps "${WORK}/counts.out.*")
list(SORT dumps COMPARE NATURAL)
foreach(dump IN LISTS dumps)
    file(STRINGS "${dump}" name REGEX "^desc: Trigger: Client Request: ")
    file(STRINGS "${dump}" count REGEX "^(totals|summary): [0-9]+")
    list(GET count 0 count)
    string(REGEX REPLACE "^desc: Trigger: Client Request: " "" name "${name}")
    string(REGEX MATCH "[0-9]+" count "${count}")
    string(JSON counts SET "${counts}" "${name}" "${count}")
endforeach()

if(REFRESH)
    file(WRITE "${STORED}" "${counts}\n")
    message(STATUS "written: ${STORED}\n${counts}")
    return()
endif()

file(READ "${STORED}" stored)
set(failed "")
string(JSON cases LENGTH "${counts}")
string(JSON stored_cases LENGTH "${stored}")
if(NOT cases EQUAL stored_cases OR cases EQUAL 0)
    list(APPEND failed "${cases} cases were counted, ${stored_cases} are stored")
endif()
math(EXPR last "${cases} - 1")
foreach(k RANGE ${last})
    string(JSON name MEMBER "${counts}" ${k})
    string(JSON count GET "${counts}" "${name}")
    string(JSON before ERROR_VARIABLE missing GET "${stored}" "${name}")
    if(missing)
        list(APPEND failed "${name}: not stored")
        continue()
    endif()
    math(EXPR change "(${count} - ${before}) * 1000 / ${before}")
    message(STATUS "${name}: ${count} instructions, stored ${before}, ${change} per mille")
    math(EXPR limit "10 * ${tolerance_percent}")
    if(change GREATER limit)
        list(APPEND failed "${name}: ${count} instructions, stored ${before}")
    elseif(change LESS -${limit})
        message(STATUS "${name}: fewer than stored; refresh the counts to keep the gain")
    endif()
endforeach()
if(failed)
    list(JOIN failed "\n  " failed)
    message(FATAL_ERROR "More than ${tolerance_percent} % above the stored counts:\n  ${failed}\n"
                        "If this is intended: cmake --build <build> --target instruction_counts_refresh")
endif()

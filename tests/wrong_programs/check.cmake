# cmake -DSOURCE=<program> -DFOLDER=<for a copy of it> -P check.cmake -- <compiler and options>
# Compiles one program and compares what the compiler says with the program's comment; see
# tests.cmake.
cmake_minimum_required(VERSION 3.24)
set(command "")
set(after_dashes FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(k RANGE ${last})
    if(after_dashes)
        list(APPEND command "${CMAKE_ARGV${k}}")
    elseif(CMAKE_ARGV${k} STREQUAL "--")
        set(after_dashes TRUE)
    endif()
endforeach()

# Compilers quote the line that they complain of: the copy has it without the comment.
file(READ "${SOURCE}" text)
cmake_path(GET SOURCE FILENAME file)
string(REGEX REPLACE " *// (error|unsatisfied): [^\n]*" "" bare "${text}")
file(WRITE "${FOLDER}/${file}" "${bare}")
set(ENV{LC_ALL} C)
execute_process(COMMAND ${command} "${FOLDER}/${file}" RESULT_VARIABLE failed OUTPUT_VARIABLE said
                ERROR_VARIABLE said)

set(wrong "")
if(text MATCHES "^(.*)// (error|unsatisfied): ([^\n]+)\n")
    set(kind "${CMAKE_MATCH_2}")
    set(expected "${CMAKE_MATCH_3}")
    string(REGEX MATCHALL "\n" line_ends "${CMAKE_MATCH_1}")
    list(LENGTH line_ends line)
    math(EXPR line "${line} + 1")

    string(REGEX MATCHALL ": error: " errors "${said}")
    list(LENGTH errors count)
    if(NOT failed)
        string(APPEND wrong " It compiles.")
    elseif(NOT count EQUAL 1)
        string(APPEND wrong " There are ${count} errors instead of one.")
    endif()
    string(FIND "${said}" "${file}:${line}:" position)
    if(position EQUAL -1)
        string(APPEND wrong " The message does not name ${file}:${line}.")
    endif()
    # g++ says "required for the satisfaction of 'concept<...", of packs "the expression '... &&
    # concept<...' evaluated to 'false'", clang "'type' does not satisfy 'concept'" or "because
    # 'concept<...>' evaluated to false". A concept's name alone proves nothing, as both quote the
    # whole declaration.
    string(CONCAT unsatisfied "(satisfaction of|does not satisfy|because) '${expected}['<]|"
           "the expression '[(]?[.]+ && ${expected}<[^\n]* evaluated to 'false'")
    string(FIND "${said}" "${expected}" position)
    if(kind STREQUAL "unsatisfied" AND NOT said MATCHES "${unsatisfied}")
        string(APPEND wrong " The message does not say that '${expected}' is not satisfied.")
    elseif(position EQUAL -1)
        string(APPEND wrong " The message does not contain '${expected}'.")
    endif()
elseif(failed)
    set(wrong " It must compile.")
endif()
if(wrong)
    message(NOTICE "${said}")
    message(FATAL_ERROR "${SOURCE}:${wrong}")
endif()

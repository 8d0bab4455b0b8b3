# In a doc comment, sentences about the whole come before the first @param, @return or @tparam: Doxygen
# adds what follows to the last of them, unless it is indented to continue it.
#     cmake -D ROOT=<checkout> -P doc_comments.cmake
cmake_minimum_required(VERSION 3.24)
set(failed "")
set(commands 0)
file(GLOB_RECURSE headers RELATIVE "${ROOT}/include" "${ROOT}/include/tocsin/*.hpp")
foreach(header IN LISTS headers)
    file(READ "${ROOT}/include/${header}" text)
    string(REGEX MATCHALL "/// @(param|return|tparam)" all "${text}")
    list(LENGTH all count)
    math(EXPR commands "${commands} + ${count}")
    # What continues a command is taken away first, so that a sentence may not follow it either.
    string(REGEX REPLACE "\n *///   [^\n]*" "" text "${text}")
    string(REGEX MATCHALL "(/// @(param|return|tparam)[^\n]*\n *)+///[^\n]*" groups
           "${text}")
    foreach(group IN LISTS groups)
        if(group MATCHES "\n */// ([^@ ][^\n]*)")
            list(APPEND failed "${header}: ${CMAKE_MATCH_1}")
        endif()
    endforeach()
endforeach()
if(commands LESS 500)
    message(FATAL_ERROR "${commands} commands were found in doc comments")
endif()
if(failed)
    list(JOIN failed "\n  " lines)
    message(FATAL_ERROR "sentences after a @param, @return or @tparam:\n  ${lines}")
endif()

# Each *.cpp of this folder is one CTest test, `wrong_program.<name>`: the compiler at hand must
# refuse it with one error. A comment on the line that the compiler must name says what else:
#     tocsin::trainer<no_loss> trainer; // unsatisfied: loss_function
#     make_windows(a + b, 8);           // error: any words of the message
# A program without such a comment must compile. To add a program, drop in its file.
if(MSVC)
    return()
endif()
separate_arguments(flags NATIVE_COMMAND "${CMAKE_CXX_FLAGS}")
set(includes "$<TARGET_PROPERTY:tocsin_own,INTERFACE_INCLUDE_DIRECTORIES>")
set(includes "$<REMOVE_DUPLICATES:$<FILTER:${includes},EXCLUDE,^/usr/include$>>")
file(GLOB programs CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.cpp")
foreach(program IN LISTS programs)
    cmake_path(GET program STEM name)
    add_test(NAME wrong_program.${name}
             COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${program}"
                     "-DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/wrong_programs" -P
                     "${CMAKE_CURRENT_LIST_DIR}/check.cmake" -- "${CMAKE_CXX_COMPILER}" ${flags}
                     -std=c++20 -fsyntax-only "-I$<JOIN:${includes},;-I>"
                     "$<$<BOOL:${TOCSIN_NO_EXCEPTIONS}>:-fno-exceptions;-fno-rtti>"
             COMMAND_EXPAND_LISTS)
endforeach()

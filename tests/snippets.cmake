# Compiles the C++ of the documentation, so that it cannot drift from the library. A block of
# README.md or docs/*.md takes part when it opens with these two lines:
#     ```cpp
#     // compiled: <name>
# It must be a whole source file; one with a main() is also run. Other blocks can include it as
# "<page>/<name>.hpp". docs/contributing.md describes it.

# Compiles the blocks of some pages.
# @param libraries besides tocsin's that they need
function(tocsin_compile_snippets pages libraries)
    set(opening "```cpp\n// compiled: ")
    string(LENGTH "${opening}" opening_length)
    foreach(page IN LISTS pages)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${page}")
        cmake_path(GET page STEM page_name)
        # Positions, not lists: C++ is full of semicolons, which CMake's lists would split at.
        file(READ "${page}" text)
        string(FIND "${text}" "${opening}" begin)
        while(NOT begin EQUAL -1)
            math(EXPR begin "${begin} + ${opening_length}")
            string(SUBSTRING "${text}" ${begin} -1 text)
            string(FIND "${text}" "\n```" end)
            string(FIND "${text}" "\n" name_end)
            string(SUBSTRING "${text}" 0 ${name_end} name)
            if(NOT name MATCHES "^[a-z0-9_]+$" OR end EQUAL -1)
                message(FATAL_ERROR "${page}: the block '// compiled: ${name}' needs a name of lower-case "
                                    "letters, digits and underscores, and a closing fence")
            endif()
            string(SUBSTRING "${text}" 0 ${end} code)
            if(code MATCHES "include <tocsin/io/(archive|checkpoint|converted_|detector_file|pytorch|safetensors)"
               AND NOT nlohmann_json_FOUND)
                string(FIND "${text}" "${opening}" begin)
                continue()
            endif()
            set(source "${CMAKE_CURRENT_BINARY_DIR}/snippets/${page_name}_${name}.cpp")
            file(GENERATE OUTPUT "${source}" CONTENT "// ${page}: ${code}\n")
            set(headers "${CMAKE_CURRENT_BINARY_DIR}/snippets/include")
            file(GENERATE OUTPUT "${headers}/${page_name}/${name}.hpp"
                 CONTENT "#pragma once\n// ${page}: ${code}\n")
            set(target "tocsin_snippet_${page_name}_${name}")
            if(code MATCHES "int main\\(")
                add_executable(${target} "${source}")
                add_test(NAME snippet.${page_name}.${name} COMMAND ${target})
            else()
                add_library(${target} OBJECT "${source}")
            endif()
            target_include_directories(${target} PRIVATE "${headers}")
            if(TOCSIN_QUICK_TESTS)
                target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
            endif()
            target_link_libraries(${target} PRIVATE tocsin_program ${libraries})
            string(FIND "${text}" "${opening}" begin)
        endwhile()
    endforeach()
endfunction()

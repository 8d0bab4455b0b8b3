# Writes report_assets.hpp: the files of a report's page as character arrays.
function(tocsin_add_report_assets target)
    set(folder "${CMAKE_CURRENT_SOURCE_DIR}/tocsin_cli")
    set(text "// Written by CMake from report/ and third_party/uplot/.\n#pragma once\n\n"
             "#include <string_view>\n\nnamespace tocsin_cli::assets {\n\n")
    string(JOIN "" text ${text})
    foreach(asset "page_html=report/page.html" "page_css=report/page.css" "page_js=report/page.js"
                  "uplot_css=third_party/uplot/uPlot.min.css"
                  "uplot_js=third_party/uplot/uPlot.iife.min.js")
        string(REPLACE "=" ";" asset "${asset}")
        list(GET asset 0 name)
        list(GET asset 1 file)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${folder}/${file}")
        file(READ "${folder}/${file}" bytes HEX)
        string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
        string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
        string(APPEND text "inline constexpr char ${name}_bytes[] = {\n${bytes}};\n"
               "inline constexpr std::string_view ${name}{${name}_bytes, sizeof ${name}_bytes};\n\n")
    endforeach()
    string(APPEND text "} // namespace tocsin_cli::assets\n")
    file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/report_assets/report_assets.hpp"
         CONTENT "${text}" @ONLY)
    target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/report_assets")
endfunction()

# The target `docs`: a site of the guide and of a reference made from the headers, with search, in
# build/docs/site. Needs doxygen and Python 3; mkdocs comes from PyPI, into the build folder.
find_program(TOCSIN_DOXYGEN NAMES doxygen DOC "doxygen for the target docs")
find_package(Python3 COMPONENTS Interpreter QUIET)
mark_as_advanced(TOCSIN_DOXYGEN)
if(NOT TOCSIN_DOXYGEN OR NOT Python3_FOUND)
    message(FATAL_ERROR "tocsin: the site needs doxygen and Python 3 "
                        "(Debian: doxygen python3 python3-venv)")
endif()
set(TOCSIN_SOURCE_URL "" CACHE STRING "Address of the files of the repository, for links of the site")

set(site_source "${PROJECT_SOURCE_DIR}/docs/site")
set(python "${PROJECT_BINARY_DIR}/python")
configure_file("${site_source}/Doxyfile.in" "${PROJECT_BINARY_DIR}/Doxyfile" @ONLY)
add_custom_command(
    OUTPUT "${python}/installed"
    COMMAND "${Python3_EXECUTABLE}" -m venv "${python}"
    COMMAND "${python}/bin/pip" install --quiet --disable-pip-version-check -r
            "${site_source}/requirements.txt"
    COMMAND "${CMAKE_COMMAND}" -E touch "${python}/installed"
    DEPENDS "${site_source}/requirements.txt"
    COMMENT "Installing mkdocs"
    VERBATIM)
# Every undocumented public name is in the log, not only the first.
add_custom_target(
    reference
    COMMAND "${CMAKE_COMMAND}" -E rm -rf "${PROJECT_BINARY_DIR}/xml"
    COMMAND "${Python3_EXECUTABLE}" -B "${site_source}/conventions.py"
            "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include"
    COMMAND "${TOCSIN_DOXYGEN}" "${PROJECT_BINARY_DIR}/Doxyfile"
    COMMAND "${Python3_EXECUTABLE}" "${site_source}/refuse_warnings.py"
            "${PROJECT_BINARY_DIR}/doxygen_warnings.txt"
    COMMENT "Doxygen over every header; a warning is an error"
    VERBATIM)
add_custom_target(
    docs
    COMMAND "${Python3_EXECUTABLE}" -B "${site_source}/build.py" "${PROJECT_SOURCE_DIR}"
            "${PROJECT_BINARY_DIR}/xml" "${PROJECT_BINARY_DIR}" "${TOCSIN_SOURCE_URL}"
    COMMAND "${CMAKE_COMMAND}" -E env NO_MKDOCS_2_WARNING=1 "${python}/bin/mkdocs" build --quiet
            --strict --clean -f "${PROJECT_BINARY_DIR}/mkdocs.yml"
    DEPENDS "${python}/installed"
    COMMENT "The site, in ${PROJECT_BINARY_DIR}/site"
    VERBATIM)
add_dependencies(docs reference)

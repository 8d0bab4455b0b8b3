# Toolchain file: clang of any version. The environment variable CLANGXX names another one.
if(DEFINED ENV{CLANGXX})
    set(CMAKE_CXX_COMPILER "$ENV{CLANGXX}")
else()
    find_program(
        TOCSIN_CLANGXX
        NAMES clang++ clang++-22 clang++-21 clang++-20 clang++-19 clang++-18 clang++-17 clang++-16
              clang++-15 clang++-14
        DOC "clang++ for the preset clang" REQUIRED)
    set(CMAKE_CXX_COMPILER "${TOCSIN_CLANGXX}")
endif()

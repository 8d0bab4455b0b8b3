/// @file c_library_names.hpp
/// @brief Names that a C library may have as macros or functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace tocsin::detail {

// clang-format off
/// Macros and functions of the C library, with functions of POSIX, a space before and after each. A
/// namespace of that name would not compile beside its headers.
inline constexpr std::string_view c_library_names =
    " BUFSIZ CHAR_BIT CHAR_MAX CHAR_MIN CLOCKS_PER_SEC DBL_MAX DBL_MIN DECIMAL_DIG EDOM"
    " EILSEQ EOF ERANGE EXIT_FAILURE EXIT_SUCCESS FILENAME_MAX FLT_MAX FLT_MIN FOPEN_MAX"
    " HUGE_VAL HUGE_VALF HUGE_VALL INFINITY LC_ALL LONG_MAX LONG_MIN MB_CUR_MAX MB_LEN_MAX"
    " NAN NULL RAND_MAX SEEK_CUR SEEK_END SEEK_SET SHRT_MAX SHRT_MIN SIGABRT SIGFPE SIGILL"
    " SIGINT SIGSEGV SIGTERM TIME_UTC TMP_MAX ULONG_MAX USHRT_MAX WEOF abort abs access"
    " acos acosh asctime asin asinh assert atan atan2 atanh atexit atof atoi atol bsearch"
    " btowc calloc cbrt ceil clearerr clock close copysign cos cosh ctime daemon difftime"
    " div erf erfc errno exit exp exp2 expm1 fabs fclose fdim feof ferror fflush fgetc"
    " fgetpos fgets fgetwc fgetws floor fma fmax fmin fmod fopen fpclassify fprintf fputc"
    " fputs fputwc fputws fread free freopen frexp fseek fsetpos ftell fwide fwprintf"
    " fwrite fwscanf gamma getc getchar getenv getwc getwchar gmtime hypot ilogb index"
    " isalnum isalpha isblank iscntrl isdigit isfinite isgraph isinf islower isnan"
    " isnormal isprint ispunct isspace isupper isxdigit j0 j1 jn labs ldexp ldiv lgamma"
    " link llabs lldiv llrint llround localeconv localtime log log10 log1p log2 logb"
    " longjmp lrint lround malloc mblen mbsinit mbsrtowcs mbstowcs mbtowc memchr memcmp"
    " memcpy memmove memset mktime modf nan nearbyint nextafter nexttoward offsetof open"
    " pause perror pipe pow printf putc putchar puts putwc putwchar qsort raise rand read"
    " realloc remainder remove remquo rename rewind rindex rint round scalbln scalbn scanf"
    " select setbuf setjmp setlocale setvbuf signal signbit sin sinh sleep snprintf"
    " sprintf sqrt srand stderr stdin stdout strcat strchr strcmp strcoll strcpy strcspn"
    " strerror strftime strlen strncat strncmp strncpy strpbrk strrchr strspn strstr"
    " strxfrm system tan tanh tgamma time tmpfile tmpnam tolower toupper trunc ungetc"
    " ungetwc unlink wcrtomb wctob wctomb wctrans wctype write y0 y1 yn ";
// clang-format on

/// Whether a C library may have a name as a macro or a function, also one for float or long double:
/// EOF, log, logf.
inline bool is_c_library_name(std::string_view text) {
    const auto known = [](std::string_view name) {
        for (std::size_t at = c_library_names.find(name); at != std::string_view::npos;
             at = c_library_names.find(name, at + 1)) {
            if (at > 0 && c_library_names[at - 1] == ' ' &&
                c_library_names[at + name.size()] == ' ') {
                return true;
            }
        }
        return false;
    };
    if (text.empty()) {
        return false;
    }
    return known(text) || ((text.back() == 'f' || text.back() == 'l') && text.size() > 1 &&
                           known(text.substr(0, text.size() - 1)));
}

} // namespace tocsin::detail

#include "c_library_names.hpp"

#include <string>

namespace tocsin_cli {
namespace {

// Each name stands between spaces.
constexpr std::string_view names =
    // <stddef.h>, <stdlib.h>, <assert.h>, <setjmp.h>, <stdarg.h>
    " NULL offsetof abort abs aligned_alloc at_quick_exit atexit atof atoi atol atoll bsearch "
    "calloc div exit free getenv labs ldiv llabs lldiv malloc mblen mbstowcs mbtowc qsort "
    "quick_exit rand random realloc srand srandom strtod strtof strtol strtold strtoll strtoul "
    "strtoull system wcstombs wctomb assert jmp_buf longjmp setjmp va_arg va_copy va_end va_list "
    "va_start alloca a64l l64a itoa "
    // <string.h>, <strings.h>, <ctype.h>
    "memchr memcmp memcpy memmove memset strcat strchr strcmp strcoll strcpy strcspn strdup "
    "strerror strlen strncat strncmp strncpy strpbrk strrchr strspn strstr strtok strxfrm bcmp "
    "bcopy bzero ffs index rindex strcasecmp isalnum isalpha isblank iscntrl isdigit isgraph "
    "islower isprint ispunct isspace isupper isxdigit tolower toupper toascii "
    // <math.h>
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 "
    "fabs fdim floor fma fmax fmin fmod fpclassify frexp gamma hypot ilogb isfinite isgreater "
    "isinf isless isnan isnormal isunordered j0 j1 jn ldexp lgamma llrint llround log log10 log1p "
    "log2 logb lrint lround modf nan nearbyint nextafter nexttoward pow remainder remquo rint "
    "round scalbln scalbn signbit signgam significand sin sinh sqrt tan tanh tgamma trunc y0 y1 yn "
    "HUGE INFINITY NAN OVERFLOW UNDERFLOW DOMAIN SING PLOSS TLOSS "
    // <stdio.h>
    "FILE EOF BUFSIZ clearerr fclose feof ferror fflush fgetc fgetpos fgets fopen fprintf fputc "
    "fputs fread freopen fscanf fseek fsetpos ftell fwrite getc getchar gets perror printf putc "
    "putchar puts remove rename rewind scanf setbuf setvbuf snprintf sprintf sscanf stderr stdin "
    "stdout tmpfile tmpnam ungetc vfprintf vprintf vsnprintf vsprintf dprintf getline popen pclose "
    // <time.h>, <signal.h>, <errno.h>, <locale.h>
    "asctime clock ctime daylight difftime dysize gmtime localtime mktime nanosleep stime strftime "
    "time timegm timelocal timespec timezone tm tzname tzset itimerspec sigevent raise signal "
    "sigaction sigval kill psignal lconv localeconv setlocale "
    // <unistd.h> and others that the headers above or Arduino include
    "access acct alarm brk chdir chown close crypt daemon dup dup2 encrypt environ execv fork "
    "getopt getpid isatty link lockf lseek nice pause pipe pread profil pwrite read readlink "
    "rmdir sbrk select setsid sleep stat swab symlink sync syscall truncate unlink usleep wait "
    "write option "
    // macros and functions of Arduino
    "HIGH LOW INPUT OUTPUT PI Serial bit bitRead bitSet bitClear byte boolean word constrain delay "
    "loop map max micros millis min radians degrees setup sq tone noTone yield interrupts lowByte "
    "highByte F ";

constexpr std::string_view headers =
    " assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
    "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings "
    "tgmath "
    "threads time uchar unistd wchar wctype ";

bool contains(std::string_view list, std::string_view word) {
    return list.find(' ' + std::string{word} + ' ') != std::string_view::npos;
}

bool is_upper(char character) noexcept {
    return character >= 'A' && character <= 'Z';
}
bool is_digit(char character) noexcept {
    return character >= '0' && character <= '9';
}

/// Whether a name has only capitals, digits and underscores, as macros do.
bool is_like_macro(std::string_view name) noexcept {
    for (const char character : name) {
        if (!is_upper(character) && !is_digit(character) && character != '_') {
            return false;
        }
    }
    return true;
}

} // namespace

bool is_c_library_name(std::string_view name) {
    // Families that the standards reserve.
    const bool error_or_signal =
        name.size() > 1 && is_like_macro(name) &&
        ((name.front() == 'E' && (is_upper(name[1]) || is_digit(name[1]))) ||
         name.starts_with("SIG"));
    const bool limit = is_like_macro(name) &&
                       (name.ends_with("_MAX") || name.ends_with("_MIN") || name.ends_with("_C"));
    return name.ends_with("_t") || error_or_signal || limit || contains(names, name);
}

bool is_c_header(std::string_view file_name) {
    return file_name.ends_with(".h") &&
           contains(headers, file_name.substr(0, file_name.size() - 2));
}

} // namespace tocsin_cli

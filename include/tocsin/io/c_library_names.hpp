/// @file c_library_names.hpp
/// @brief Names that a C library may have as macros, functions or types.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::detail {

// clang-format off
/// Macros, functions and types of the C library (ISO/IEC 9899:2011) and of the common headers of POSIX,
/// a space before and after each. A namespace of that name would not compile beside them. Without
/// names that end with _t, and the formats of inttypes.h.
inline constexpr std::string_view c_library_names =
    " BUFSIZ CHAR_BIT CHAR_MAX CHAR_MIN CLOCKS_PER_SEC DBL_DECIMAL_DIG DBL_DIG DBL_EPSILON"
    " DBL_HAS_SUBNORM DBL_MANT_DIG DBL_MAX DBL_MAX_10_EXP DBL_MAX_EXP DBL_MIN DBL_MIN_10_EXP"
    " DBL_MIN_EXP DBL_TRUE_MIN DECIMAL_DIG E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EADV"
    " EAFNOSUPPORT EAGAIN EALREADY EBADE EBADF EBADFD EBADMSG EBADR EBADRQC EBADSLT EBFONT"
    " EBUSY ECANCELED ECHILD ECHRNG ECOMM ECONNABORTED ECONNREFUSED ECONNRESET EDEADLK"
    " EDEADLOCK EDESTADDRREQ EDOM EDOTDOT EDQUOT EEXIST EFAULT EFBIG EHOSTDOWN EHOSTUNREACH"
    " EHWPOISON EIDRM EILSEQ EINPROGRESS EINTR EINVAL EIO EISCONN EISDIR EISNAM EKEYEXPIRED"
    " EKEYREJECTED EKEYREVOKED EL2HLT EL2NSYNC EL3HLT EL3RST ELIBACC ELIBBAD ELIBEXEC ELIBMAX"
    " ELIBSCN ELNRNG ELOOP EMEDIUMTYPE EMFILE EMLINK EMSGSIZE EMULTIHOP ENAMETOOLONG ENAVAIL"
    " ENETDOWN ENETRESET ENETUNREACH ENFILE ENOANO ENOBUFS ENOCSI ENODATA ENODEV ENOENT ENOEXEC"
    " ENOKEY ENOLCK ENOLINK ENOMEDIUM ENOMEM ENOMSG ENONET ENOPKG ENOPROTOOPT ENOSPC ENOSR"
    " ENOSTR ENOSYS ENOTBLK ENOTCONN ENOTDIR ENOTEMPTY ENOTNAM ENOTRECOVERABLE ENOTSOCK ENOTSUP"
    " ENOTTY ENOTUNIQ ENXIO EOF EOPNOTSUPP EOVERFLOW EOWNERDEAD EPERM EPFNOSUPPORT EPIPE EPROTO"
    " EPROTONOSUPPORT EPROTOTYPE ERANGE EREMCHG EREMOTE EREMOTEIO ERESTART ERFKILL EROFS"
    " ESHUTDOWN ESOCKTNOSUPPORT ESPIPE ESRCH ESRMNT ESTALE ESTRPIPE ETIME ETIMEDOUT"
    " ETOOMANYREFS ETXTBSY EUCLEAN EUNATCH EUSERS EWOULDBLOCK EXDEV EXFULL EXIT_FAILURE"
    " EXIT_SUCCESS FE_ALL_EXCEPT FE_DFL_ENV FE_DIVBYZERO FE_DOWNWARD FE_INEXACT FE_INVALID"
    " FE_OVERFLOW FE_TONEAREST FE_TOWARDZERO FE_UNDERFLOW FE_UPWARD FILE FILENAME_MAX"
    " FLT_DECIMAL_DIG FLT_DIG FLT_EPSILON FLT_EVAL_METHOD FLT_HAS_SUBNORM FLT_MANT_DIG FLT_MAX"
    " FLT_MAX_10_EXP FLT_MAX_EXP FLT_MIN FLT_MIN_10_EXP FLT_MIN_EXP FLT_RADIX FLT_ROUNDS"
    " FLT_TRUE_MIN FOPEN_MAX FP_ILOGB0 FP_ILOGBNAN FP_INFINITE FP_NAN FP_NORMAL FP_SUBNORMAL"
    " FP_ZERO HUGE_VAL HUGE_VALF HUGE_VALL INFINITY LC_ADDRESS LC_ALL LC_COLLATE LC_CTYPE"
    " LC_IDENTIFICATION LC_MEASUREMENT LC_MESSAGES LC_MONETARY LC_NAME LC_NUMERIC LC_PAPER"
    " LC_TELEPHONE LC_TIME LDBL_DECIMAL_DIG LDBL_DIG LDBL_EPSILON LDBL_HAS_SUBNORM"
    " LDBL_MANT_DIG LDBL_MAX LDBL_MAX_10_EXP LDBL_MAX_EXP LDBL_MIN LDBL_MIN_10_EXP LDBL_MIN_EXP"
    " LDBL_TRUE_MIN LLONG_MAX LLONG_MIN LONG_MAX LONG_MIN L_tmpnam MATH_ERREXCEPT MATH_ERRNO"
    " MB_CUR_MAX MB_LEN_MAX NAN NULL PTRDIFF_MAX PTRDIFF_MIN RAND_MAX SCHAR_MAX SCHAR_MIN"
    " SEEK_CUR SEEK_END SEEK_SET SHRT_MAX SHRT_MIN SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD"
    " SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE SIGPOLL SIGPROF SIGPWR"
    " SIGQUIT SIGRTMAX SIGRTMIN SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP"
    " SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ SIG_ATOMIC_MAX"
    " SIG_ATOMIC_MIN SIG_DFL SIG_ERR SIG_IGN SIZE_MAX TIME_UTC TMP_MAX UCHAR_MAX ULLONG_MAX"
    " ULONG_MAX USHRT_MAX WCHAR_MAX WCHAR_MIN WEOF WINT_MAX WINT_MIN a64l abort abs accept"
    " access acct acos acosh alarm aligned_alloc alphasort asctime asctime_r asin asinh assert"
    " at_quick_exit atan atan2 atanh atexit atof atoi atol bind brk bsearch btowc c16rtomb"
    " c32rtomb calloc cbrt ceil chdir chmod chown chroot clearerr clock clock_getcpuclockid"
    " clock_getres clock_gettime clock_nanosleep clock_settime close closedir confstr connect"
    " copysign cos cosh creat crypt ctermid ctime ctime_r cuserid daemon daylight difftime"
    " dirfd div dprintf drand48 dup dup2 duplocale dysize ecvt encrypt environ erf erfc errno"
    " execl execle execlp execv execve execvp exit exp exp2 expm1 fabs faccessat fchdir fchmod"
    " fchmodat fchown fchownat fclose fcntl fcvt fdatasync fdim fdopen fdopendir feclearexcept"
    " fegetenv fegetexceptflag fegetround feholdexcept feof feraiseexcept ferror fesetenv"
    " fesetexceptflag fesetround fetestexcept feupdateenv fexecve fflush ffs fgetc fgetpos"
    " fgets fgetwc fgetws fileno flockfile floor fma fmax fmemopen fmin fmod fopen fork"
    " fpathconf fpclassify fprintf fputc fputs fputwc fputws fread free freelocale freopen"
    " frexp fscanf fseek fseeko fsetpos fstat fstatat fsync ftell ftello ftruncate ftrylockfile"
    " ftw funlockfile futimens fwide fwprintf fwrite fwscanf gamma gcvt getc getc_unlocked"
    " getchar getchar_unlocked getcwd getdelim getegid getenv geteuid getgid getgroups"
    " gethostname getitimer getline getlogin getlogin_r getopt getpass getpeername getpgid"
    " getpgrp getpid getppid gets getsid getsockname getsockopt getsubopt gettimeofday getuid"
    " getwc getwchar gmtime gmtime_r hcreate hdestroy hsearch hypot ilogb imaxabs imaxdiv index"
    " initstate insque isalnum isalpha isatty isblank iscntrl isdigit isfinite isgraph"
    " isgreater isgreaterequal isinf isless islessequal islessgreater islower isnan isnormal"
    " isprint ispunct isspace isunordered isupper iswalnum iswalpha iswblank iswcntrl iswctype"
    " iswdigit iswgraph iswlower iswprint iswpunct iswspace iswupper iswxdigit isxdigit j0 j1"
    " jn kill killpg l64a labs lchown lconv ldexp ldiv lfind lgamma link linkat listen llabs"
    " lldiv llrint llround localeconv localtime localtime_r lockf log log10 log1p log2 logb"
    " longjmp lrand48 lrint lround lsearch lseek lstat malloc math_errhandling mblen mbrlen"
    " mbrtoc16 mbrtoc32 mbrtowc mbsinit mbsnrtowcs mbsrtowcs mbstowcs mbtowc memchr memcmp"
    " memcpy memmove memset mkdir mkdirat mkdtemp mkfifo mkfifoat mknod mkstemp mktemp mktime"
    " modf nan nanosleep nearbyint newlocale nextafter nexttoward nftw nice offsetof open"
    " open_memstream open_wmemstream openat opendir pathconf pause pclose perror pipe poll"
    " popen posix_fadvise posix_fallocate posix_memalign pow pread printf pselect psiginfo"
    " psignal pthread_kill pthread_sigmask putc putc_unlocked putchar putchar_unlocked putenv"
    " puts putwc putwchar pwrite qsort quick_exit raise rand rand_r random read readdir"
    " readdir_r readlink readlinkat realloc realpath recv recvfrom recvmsg remainder remove"
    " remquo rename renameat rewind rewinddir rindex rint rmdir round sbrk scalbln scalbn"
    " scandir scanf sched_get_priority_max sched_get_priority_min sched_getparam"
    " sched_getscheduler sched_rr_get_interval sched_setparam sched_setscheduler sched_yield"
    " select send sendmsg sendto setbuf setegid setenv seteuid setgid setitimer setjmp"
    " setlocale setpgid setsid setsockopt setstate setuid setvbuf shutdown sigaction sigaddset"
    " sigdelset sigemptyset sigfillset sighold sigignore siginterrupt sigismember siglongjmp"
    " signal signbit signgam sigpause sigpending sigprocmask sigqueue sigrelse sigset"
    " sigsuspend sigtimedwait sigwait sigwaitinfo sin sinh sleep snprintf sockatmark socket"
    " socketpair sprintf sqrt srand srandom sscanf stat stderr stdin stdout stime stpcpy"
    " stpncpy strcasecmp strcat strchr strcmp strcoll strcpy strcspn strdup strerror strerror_r"
    " strftime strlen strncasecmp strncat strncmp strncpy strndup strnlen strpbrk strrchr"
    " strsignal strspn strstr strtod strtof strtoimax strtok strtok_r strtol strtold strtoul"
    " strtoumax strxfrm swab swprintf swscanf symlink symlinkat sync sysconf system tan tanh"
    " tcgetpgrp tcsetpgrp tdelete tempnam tfind tgamma time timer_create timer_delete"
    " timer_getoverrun timer_gettime timer_settime times timespec timespec_get timeval timezone"
    " tm tmpfile tmpnam tolower toupper towctrans towlower towupper trunc truncate tsearch"
    " ttyname ttyname_r twalk tzname tzset ulimit umask uname ungetc ungetwc unlink unlinkat"
    " unsetenv uselocale usleep utimensat utimes va_arg va_copy va_end va_list va_start"
    " vdprintf vfork vfprintf vfscanf vfwprintf vfwscanf vprintf vscanf vsnprintf vsprintf"
    " vsscanf vswprintf vswscanf vwprintf vwscanf wait waitid waitpid wcpcpy wcpncpy wcrtomb"
    " wcscasecmp wcscat wcschr wcscmp wcscoll wcscpy wcscspn wcsdup wcsftime wcslen wcsncasecmp"
    " wcsncat wcsncmp wcsncpy wcsnlen wcsnrtombs wcspbrk wcsrchr wcsrtombs wcsspn wcsstr wcstod"
    " wcstof wcstoimax wcstok wcstol wcstold wcstombs wcstoul wcstoumax wcsxfrm wctob wctomb"
    " wctrans wctype wmemchr wmemcmp wmemcpy wmemmove wmemset wprintf write wscanf y0 y1 yn ";
// clang-format on

/// Whether a C library may have a name as a macro, a function or a type, also a function for float or
/// long double: EOF, log, logf. Allocates.
/// @param text letters, digits and underscores
inline bool is_c_library_name(std::string_view text) {
    const auto known = [](std::string_view name) {
        return c_library_names.find(' ' + std::string(name) + ' ') != std::string_view::npos;
    };
    if (text.empty()) {
        return false;
    }
    return known(text) || ((text.back() == 'f' || text.back() == 'l') && text.size() > 1 &&
                           known(text.substr(0, text.size() - 1)));
}

} // namespace tocsin::detail

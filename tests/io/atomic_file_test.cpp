#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "faulty_files.hpp"
#include "temporary_directory.hpp"
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <grp.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using tocsin::detail::file_kind;
using tocsin_test::fault;
using tocsin_test::faulty_files;
using tocsin_test::temporary_directory;

namespace {

const std::string old_content(70000, 'o');
const std::string new_content(200000, 'n');

/// In pieces below and above the size of the buffer.
template <class System>
tocsin::status save(const std::filesystem::path& path) {
    auto file = tocsin::basic_atomic_file<System>::create(path);
    if (!file) {
        return file.error();
    }
    for (const std::size_t size : {1000, 69000, 50000, 80000}) {
        file->write(std::string_view{new_content}.substr(0, size));
    }
    return file->commit();
}

std::string content_of(const std::filesystem::path& path) {
    const auto read = tocsin::read_file(path);
    return read ? *read : std::string{"missing: "} + read.error().message();
}

struct stat facts_of(const std::filesystem::path& path) {
    struct stat facts{};
    REQUIRE(::lstat(path.string().c_str(), &facts) == 0);
    return facts;
}

/// Number of a process that has ended.
long dead_process() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(0);
    }
    int state = 0;
    REQUIRE(::waitpid(child, &state, 0) == child);
    return child;
}

void touch(const std::filesystem::path& path) {
    std::ofstream{path} << "rest";
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("atomic_file: a committed file holds what was written, nothing else is left") {
        const temporary_directory directory;
        const std::string content = [] {
            std::string text("a\0b\n", 4);
            text.append(200000, 'x');
            return text;
        }();
        REQUIRE(tocsin::write_file(directory / "file", content).ok());
        const auto read = tocsin::read_file(directory / "file");
        REQUIRE(read.has_value());
        CHECK(*read == content);
        REQUIRE(tocsin::write_file(directory / "file", "").ok());
        CHECK(tocsin::read_file(directory / "file")->empty());
        CHECK(directory.count() == 1);
    }

    TEST_CASE("atomic_file: without a commit the old file stays") {
        const temporary_directory directory;
        REQUIRE(tocsin::write_file(directory / "file", "old").ok());
        {
            auto file = tocsin::atomic_file::create(directory / "file");
            REQUIRE(file.has_value());
            file->write("new");
            CHECK(directory.count() == 2);
        }
        CHECK(directory.count() == 1);
        CHECK(*tocsin::read_file(directory / "file") == "old");
    }

    TEST_CASE("atomic_file: two writers of one file do not share a temporary file") {
        const temporary_directory directory;
        auto first = tocsin::atomic_file::create(directory / "file");
        auto second = tocsin::atomic_file::create(directory / "file");
        REQUIRE(first.has_value());
        REQUIRE(second.has_value());
        first->write("first");
        second->write("second");
        CHECK(first->commit().ok());
        CHECK(*tocsin::read_file(directory / "file") == "first");
        CHECK(second->commit().ok());
        CHECK(*tocsin::read_file(directory / "file") == "second");
        CHECK(directory.count() == 1);
    }

    TEST_CASE("atomic_file: a target that cannot be replaced is reported, no rest is left") {
        const temporary_directory directory;
        std::filesystem::create_directory(directory / "occupied");
        const auto outcome = tocsin::write_file(directory / "occupied", "text");
        CHECK(outcome.code() == tocsin::error_code::io_error);
        CHECK(std::string{outcome.message()}.find("occupied") != std::string::npos);
        CHECK(directory.count() == 1);
        CHECK(tocsin::write_file(directory / "missing" / "file", "text").code() ==
              tocsin::error_code::io_error);
    }

    TEST_CASE("atomic_file: a symbolic link stays, its target is replaced") {
        const temporary_directory directory;
        std::filesystem::create_directory(directory / "inner");
        REQUIRE(tocsin::write_file(directory / "inner" / "file", "old").ok());
        std::filesystem::create_symlink("file", directory / "inner" / "relative");
        std::filesystem::create_symlink(directory / "inner" / "relative", directory / "absolute");
        std::filesystem::create_symlink("inner", directory / "folder");
        std::filesystem::create_symlink("not/there", directory / "lost");
        std::filesystem::create_symlink("inner/fresh", directory / "dangling");
        std::filesystem::create_symlink("circle", directory / "circle");
        const auto save_at = [&](const std::filesystem::path& path, const std::string& content) {
            const auto outcome = tocsin::write_file(path, content);
            REQUIRE_MESSAGE(outcome.ok(), outcome.message());
            CHECK(content_of(path) == content);
        };
        save_at(directory / "absolute", "through two links");
        CHECK(content_of(directory / "inner" / "file") == "through two links");
        save_at(directory / "folder" / "relative", "through the folder");
        CHECK(content_of(directory / "inner" / "file") == "through the folder");
        save_at(directory / "dangling", "new");
        CHECK(content_of(directory / "inner" / "fresh") == "new");
        for (const char* link : {"absolute", "dangling", "folder", "inner/relative"}) {
            CHECK(std::filesystem::is_symlink(directory / link));
        }
        CHECK(tocsin::write_file(directory / "lost", "x").code() == tocsin::error_code::io_error);
        const auto circle = tocsin::write_file(directory / "circle", "x");
        CHECK(circle.code() == tocsin::error_code::io_error);
        CHECK(directory.count() == 6);
    }

    TEST_CASE("atomic_file: a FIFO is refused and stays, so do devices and sockets") {
        const temporary_directory directory;
        REQUIRE(::mkfifo((directory / "fifo").string().c_str(), 0600) == 0);
        const auto outcome = tocsin::write_file(directory / "fifo", "text");
        CHECK(outcome.code() == tocsin::error_code::io_error);
        CHECK(std::string{outcome.message()}.find("is a FIFO, only regular files") !=
              std::string::npos);
        CHECK(S_ISFIFO(facts_of(directory / "fifo").st_mode));
        CHECK(directory.count() == 1);
        // A device is only pretended: a test that went wrong would replace a real one.
        REQUIRE(tocsin::write_file(directory / "pretended", "old").ok());
        for (const auto kind : {file_kind::device, file_kind::socket, file_kind::folder}) {
            faulty_files::plan(fault::none, 0);
            faulty_files::pretended = kind;
            const auto refused = save<faulty_files>(directory / "pretended");
            faulty_files::pretended = file_kind::missing;
            CHECK(std::string{refused.message()}.find(name_of(kind)) != std::string::npos);
            CHECK(content_of(directory / "pretended") == "old");
        }
    }

    TEST_CASE("atomic_file: permissions and owner are kept, new files follow the umask") {
        const temporary_directory directory;
        const auto path = directory / "file";
        const mode_t before = ::umask(027);
        CHECK(tocsin::write_file(path, "new").ok());
        ::umask(before);
        CHECK((facts_of(path).st_mode & 07777U) == 0640U);
        for (const mode_t mode : {0600U, 0755U, 0444U, 02750U}) {
            REQUIRE(::chmod(path.string().c_str(), mode) == 0);
            REQUIRE(tocsin::write_file(path, "newer").ok());
            CHECK((facts_of(path).st_mode & 07777U) == mode);
        }
        if (::chown(path.string().c_str(), 12345, 23456) != 0) { // in some containers nor can root
            MESSAGE("skipped: only root may give files to another owner");
            return;
        }
        REQUIRE(::chmod(path.string().c_str(), 0640) == 0);
        REQUIRE(tocsin::write_file(path, "newest").ok());
        CHECK(facts_of(path).st_uid == 12345);
        CHECK(facts_of(path).st_gid == 23456);
        CHECK((facts_of(path).st_mode & 07777U) == 0640U);
    }

    TEST_CASE("atomic_file: another user's save keeps the group that runs a file") {
        const temporary_directory directory;
        const auto path = directory / "file";
        if (::chown((directory / ".").string().c_str(), 12345, 23456) != 0) {
            MESSAGE("skipped: only root can become another user, whose saves are tested above");
            return;
        }
        const pid_t child = ::fork();
        if (child == 0) { // a write of a user takes the permission away, one of root does not
            const bool is_user = ::setgroups(0, nullptr) == 0 && ::setgid(23456) == 0 &&
                                 ::setuid(12345) == 0 && tocsin::write_file(path, "old").ok() &&
                                 ::chmod(path.string().c_str(), 02750) == 0;
            ::_exit(is_user && tocsin::write_file(path, "new").ok() ? 0 : 1);
        }
        int state = 0;
        REQUIRE(::waitpid(child, &state, 0) == child);
        REQUIRE(state == 0);
        CHECK(content_of(path) == "new");
        CHECK((facts_of(path).st_mode & 07777U) == 02750U);
    }

    TEST_CASE("atomic_file: what a failed call leaves is the old or the new file, complete") {
        for (const bool exists : {false, true}) {
            for (const int error : {ENOSPC, EIO, EINTR, EEXIST, EINVAL}) {
                for (const bool lasting : {false, true}) {
                    if (lasting && error == EINTR) {
                        continue; // a write is tried again until it is not interrupted
                    }
                    int refused = 0;
                    for (int at = 0;; ++at) {
                        const temporary_directory directory;
                        const auto path = directory / "file";
                        if (exists) {
                            REQUIRE(tocsin::write_file(path, old_content).ok());
                        }
                        faulty_files::plan(fault::error, at, error, lasting);
                        const auto outcome = save<faulty_files>(path);
                        const bool reached = faulty_files::calls > at;
                        faulty_files::plan(fault::none, 0);
                        const bool is_new =
                            outcome.ok() || std::string{outcome.message()}.find(
                                                "is written, but") != std::string::npos;
                        refused += outcome.ok() ? 0 : 1;
                        CHECK(directory.count() == (is_new || exists ? 1 : 0));
                        if (is_new || exists) {
                            CHECK(content_of(path) == (is_new ? new_content : old_content));
                        }
                        if (!reached) {
                            CHECK(outcome.ok());
                            CHECK(at >= 9);
                            break;
                        }
                    }
                    CHECK(refused >= 3);
                }
            }
        }
    }

    TEST_CASE("atomic_file: short writes lose nothing") {
        for (int at = 0; at < 14; ++at) {
            const temporary_directory directory;
            faulty_files::plan(fault::short_write, at);
            CHECK(save<faulty_files>(directory / "file").ok());
            faulty_files::plan(fault::none, 0);
            CHECK(content_of(directory / "file") == new_content);
            CHECK(directory.count() == 1);
        }
    }

    TEST_CASE("atomic_file: a kill at any call leaves the old or the new file, complete") {
        for (const bool exists : {false, true}) {
            for (const fault kind : {fault::kill_before, fault::kill_halfway, fault::kill_after}) {
                int killed = 0;
                for (int at = 0; at < 20; ++at) {
                    const temporary_directory directory;
                    const auto path = directory / "file";
                    if (exists) {
                        REQUIRE(tocsin::write_file(path, old_content).ok());
                    }
                    const pid_t child = ::fork();
                    if (child == 0) {
                        faulty_files::plan(kind, at);
                        ::_exit(save<faulty_files>(path).ok() ? 0 : 1);
                    }
                    int state = 0;
                    REQUIRE(::waitpid(child, &state, 0) == child);
                    killed += WIFSIGNALED(state) ? 1 : 0;
                    if (!WIFSIGNALED(state)) {
                        CHECK(WEXITSTATUS(state) == 0);
                        CHECK(content_of(path) == new_content);
                    } else if (exists || std::filesystem::exists(path)) {
                        const std::string content = content_of(path);
                        CHECK((content == new_content || (exists && content == old_content)));
                    }
                    // The next save takes away what the dead process has left.
                    REQUIRE(tocsin::write_file(path, "next").ok());
                    CHECK(content_of(path) == "next");
                    CHECK(directory.count() == 1);
                }
                CHECK(killed >= (kind == fault::kill_halfway ? 3 : 9));
            }
        }
    }

    TEST_CASE("atomic_file: rests of dead processes are removed, other files are not") {
        const temporary_directory directory;
        const std::string dead = std::to_string(dead_process());
        const std::string self = std::to_string(::getpid());
        const std::string parent = std::to_string(::getppid());
        for (int k = 0; k < 150; ++k) {
            touch(directory / ("file.tmp-" + dead + "-abc-" + std::to_string(k)));
        }
        touch(directory / ("file.tmp-" + self + "-1-0")); // an earlier run with the same number
        const std::string kept[] = {"file.tmp-" + parent + "-abc-0",
                                    "file.tmp-notes",
                                    "file.tmp0",
                                    "file.tmp-" + dead + "-abc-0.txt",
                                    "other.tmp-" + dead + "-abc-0",
                                    "file.tmp-" + dead + "-f-1"};
        for (const auto& name : kept) {
            touch(directory / name);
        }
        // A process in another container: its number means nothing here, its lock does.
        const int locked = ::open((directory / kept[5]).string().c_str(), O_RDONLY);
        REQUIRE(::flock(locked, LOCK_EX) == 0);
        auto writing = tocsin::atomic_file::create(directory / "file");
        REQUIRE(writing.has_value());
        CHECK(tocsin::write_file(directory / "file", "text").ok());
        CHECK(directory.count() == 8); // with "file" and the one being written
        for (const auto& name : kept) {
            CHECK(std::filesystem::exists(directory / name));
        }
        CHECK(writing->commit().ok());
        ::close(locked);
        CHECK(tocsin::write_file(directory / "file", "text").ok());
        CHECK_FALSE(std::filesystem::exists(directory / kept[5]));
    }

    TEST_CASE("atomic_file: a long name has room for the temporary one") {
        const temporary_directory directory;
        const std::string name(255, 'x');
        CHECK(tocsin::write_file(directory / name, "text").ok());
        CHECK(content_of(directory / name) == "text");
        CHECK(directory.count() == 1);
    }

    TEST_CASE("atomic_file: the standard library alone writes the same files") {
        const temporary_directory directory;
        using tocsin::detail::standard_files;
        const auto path = directory / "file";
        for (int k = 0; k < 2; ++k) {
            CHECK(save<standard_files>(path).ok());
            CHECK(content_of(path) == new_content);
            CHECK(directory.count() == 1);
        }
        {
            auto file = tocsin::basic_atomic_file<standard_files>::create(path);
            REQUIRE(file.has_value());
            file->write("lost");
        }
        CHECK(content_of(path) == new_content);
        CHECK(directory.count() == 1);
        REQUIRE(::mkfifo((directory / "fifo").string().c_str(), 0600) == 0);
        CHECK_FALSE(save<standard_files>(directory / "fifo").ok());
        CHECK_FALSE(save<standard_files>(directory / ".").ok());
        CHECK_FALSE(save<standard_files>(directory / "missing" / "file").ok());
    }
}

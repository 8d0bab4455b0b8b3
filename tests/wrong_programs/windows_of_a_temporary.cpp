// Windows over a matrix that is gone at the end of the line.
#include <tocsin/series/windows.hpp>

int main() {
    return tocsin::make_windows(tocsin::matrix<float>(5, 100), 8).ok(); // error: deleted
}

// An expression as a sample: its values lie nowhere.
#include <tocsin/core/views.hpp>
#include <tocsin/detect/sample_view.hpp>

static tocsin::index_t size_of(tocsin::sample_view<float> sample) {
    return sample.size();
}

int main() {
    const tocsin::matrix<float> values(3, 100);
    return size_of(2 * values.col(0)) == 3; // error: add .eval() to the expression
}

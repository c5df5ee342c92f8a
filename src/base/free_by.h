// Owns what a C library made, by the function that frees it: std::unique_ptr<BIO,
// FreeBy<BIO_free_all>>.
#pragma once

namespace sekisho {

template <auto Function>
struct FreeBy {
    template <class T>
    void operator()(T* what) const {
        Function(what);
    }
};

}  // namespace sekisho

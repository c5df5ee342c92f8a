// An image in the kernel: the map that the program's one slot points to.
#pragma once

#include "base/result.h"
#include "gate/enforce/image.h"

#include <string>

namespace sekisho::gate {

// The map's descriptor, which the caller closes. The image is written before anything can see it.
[[nodiscard]] Result<int> make_image_map(const Image& image);

// errno as an Error; where a right is missing it says which.
[[nodiscard]] Error bpf_error(const std::string& what, int error);

}  // namespace sekisho::gate

#include "image/frameworks/torch_preload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "support/inputs.h"
#include "support/tree.h"

namespace gpuinit::image {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(TorchPreload, OfADictionaryServesAfterAFailure) {
  const auto preload = parse_torch_preload(R"(
    except OSError as err:
        cuda_libs: _Dict[str, str] = {
            "cublas": "libcublas.so.*[0-9]",
            "nvtx": "libnvToolsExt.so.*[0-9]",
        }
)");
  EXPECT_THAT(preload.after_failure, ElementsAre(PreloadItem{"cublas", "libcublas", true},
                                                 PreloadItem{"nvtx", "libnvToolsExt", true}));
  EXPECT_THAT(preload.after_success, IsEmpty());
}

TEST(TorchPreload, OfSingleCallsServesAfterASuccess) {
  const auto preload = parse_torch_preload(R"(
            if "nvidia/cuda_runtime/lib/libcudart.so" not in _maps:
                return
            _preload_cuda_deps("cuda_nvrtc", "libnvrtc.so.*[0-9]")
            _preload_cuda_deps("nvjitlink", "libnvJitLink.so.*[0-9]")
        cuda_libs: dict[str, str] = {
            "cudnn": "libcudnn.so.*[0-9]",
        }
            if t_major >= 12:
                cuda_libs["cufile"] = "libcufile.so.*[0-9]"
)");
  EXPECT_EQ(preload.beside, "nvidia/cuda_runtime/lib/libcudart.so");
  EXPECT_THAT(preload.after_success, ElementsAre(PreloadItem{"cuda_nvrtc", "libnvrtc", true},
                                                 PreloadItem{"nvjitlink", "libnvJitLink", true}));
  EXPECT_THAT(preload.after_failure, ElementsAre(PreloadItem{"cudnn", "libcudnn", true},
                                                 PreloadItem{"cufile", "libcufile", true}));
}

TEST(TorchPreload, OfALaterReleaseServesBothTimes) {
  const auto preload = parse_torch_preload(R"(
    cuda_libs: list[tuple[str, str]] = [
        ("cublas", "libcublasLt.so.*[0-9]"),
    ]
    _preload_cuda_lib("nvtx", "libnvToolsExt.so.*[0-9]", required=False)
            if "libcudart.so" not in _maps:
                return
            _preload_cuda_deps(required=False)
)");
  EXPECT_EQ(preload.beside, "libcudart.so");
  EXPECT_THAT(preload.after_failure, ElementsAre(PreloadItem{"cublas", "libcublasLt", true},
                                                 PreloadItem{"nvtx", "libnvToolsExt", false}));
  EXPECT_THAT(preload.after_success, ElementsAre(PreloadItem{"cublas", "libcublasLt", false},
                                                 PreloadItem{"nvtx", "libnvToolsExt", false}));
}

TEST(TorchPreload, OfOtherTextsIsEmpty) {
  for (const char* text : {"", "\"", ".so.*[0-9]\"", "\"libx.so.*[0-9]\"",
                           "\"a b\", \"l.so.*[0-9]\"", "libcudart.so\" not in _maps"})
    EXPECT_EQ(parse_torch_preload(text).after_failure, std::vector<PreloadItem>{}) << text;
}

// Lengths as they stand in the files; each list was compared by eye.
TEST(TorchPreload, OfRealReleases) {
  const auto of = [](const std::string& torch) {
    std::ifstream file(test::inputs() / "torch" / torch / "torch/__init__.py");
    EXPECT_TRUE(file.is_open()) << torch;
    const std::string text(std::istreambuf_iterator<char>(file), {});
    return parse_torch_preload(text);
  };
  const auto old = of("2.5.1-cp310");
  EXPECT_THAT(old.after_failure, SizeIs(12));
  EXPECT_THAT(old.after_success, IsEmpty());
  const auto middle = of("2.8.0-cp312");
  EXPECT_THAT(middle.after_failure, SizeIs(13));
  EXPECT_THAT(middle.after_success, SizeIs(2));
  const auto late = of("2.15.0-cp314");
  EXPECT_THAT(late.after_failure, SizeIs(16));
  EXPECT_THAT(late.after_success, SizeIs(16));
}

TEST(FindPreload, LooksInTheThreePlacesOfEachEntry) {
  test::Tree tree;
  tree.file("b/nvidia/cublas/lib/libcublas.so.12")
      .file("b/nvidia/cublas/lib/libcublas.so.12.old")
      .file("c/nvidia/cu13/lib/libnvrtc.so.13")
      .file("d/cusparselt/lib/libcusparseLt.so.0");
  const auto fs = base::RootFs::open(tree.root()).value();
  const std::vector<std::string> path{"/a", "/b", "/c", "/d"};
  EXPECT_EQ(find_preload(fs, path, {"cublas", "libcublas"}, "13.0"),
            "/b/nvidia/cublas/lib/libcublas.so.12");
  EXPECT_EQ(find_preload(fs, path, {"cuda_nvrtc", "libnvrtc"}, "13.0"),
            "/c/nvidia/cu13/lib/libnvrtc.so.13");
  EXPECT_EQ(find_preload(fs, path, {"cuda_nvrtc", "libnvrtc"}, "12.8"), "");
  EXPECT_EQ(find_preload(fs, path, {"cusparselt", "libcusparseLt"}, "12.8"),
            "/d/cusparselt/lib/libcusparseLt.so.0");
}

}  // namespace
}  // namespace gpuinit::image

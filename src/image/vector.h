/* Functions that are compiled twice on x86-64: for any processor, and for those with AVX2, among
 * which the program chooses when it starts. Whole numbers come out the same either way, and so do
 * floats, since nothing is contracted. */
#ifndef IMAGE_VECTOR_H
#define IMAGE_VECTOR_H

/* The choice is made before a sanitizer is ready for it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VECTOR_PLAIN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VECTOR_PLAIN
#endif
#endif

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(VECTOR_PLAIN)
#define VECTOR_CLONES __attribute__((target_clones("avx2", "default"))) /* is never inlined */
#else
#define VECTOR_CLONES __attribute__((noinline))
#endif

#endif

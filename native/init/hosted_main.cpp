// Entry of init built with a C library, for sanitizers; native/freestanding/start.cpp is its twin in the shipped one.
namespace runt {
int freestanding_main(int argc, char **argv);
}

int main(int argc, char **argv) { return runt::freestanding_main(argc, argv); }

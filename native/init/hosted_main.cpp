// Entry of init built with a C library, for sanitizers; freestanding.cpp is its twin in the shipped one.
namespace runt {
int init_main(int argc, char **argv);
}

int main(int argc, char **argv) { return runt::init_main(argc, argv); }

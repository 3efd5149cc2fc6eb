// A library that is only needed, never used while linking.
typedef int nothing;

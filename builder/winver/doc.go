// Package winver knows the versions of Windows that containers are made of and
// run on: their names, builds and ends of support, how versions compare, and
// which host runs which image. It knows the ends of support of .NET too.
//
// All tables are fixed; what Microsoft publishes later comes with a later
// release of this program.
package winver

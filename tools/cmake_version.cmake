cmake_minimum_required(VERSION 3.21) # run with cmake -P: fails if this cmake is too old

"""The app's source as the daemon follows it: what is on disk, what has changed, what workers must be told.

listing   what the source holds at one moment, and the difference of two moments
scan      the disk as a listing
feed      the present listing, as new as one asks for
usage     which job has loaded which file
messages  a difference as frames for a worker
"""

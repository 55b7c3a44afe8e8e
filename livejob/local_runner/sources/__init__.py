"""The app's source as the daemon follows it: what is on disk, what has changed, what workers must be told.

listing   what the source holds at one moment, and the difference of two moments
reading   one directory, one file of the disk
scan      the disk as a listing
update    a listing brought up to date where something may have changed
journal   the kernel's own notes of what has changed
feed      the present listing, as new as one asks for
usage     which job has loaded which file
messages  a difference as frames for a worker
"""

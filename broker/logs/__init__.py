"""The log files of a broker: written by a thread, read page by page.

``record`` renders, ``segment`` is one file and its indices, ``log`` a file and those
it was rotated to, ``files`` the four of them, ``handler`` what ``logging`` is given,
and ``journal`` all of it together with how much is said.
"""

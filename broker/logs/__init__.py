"""The log files of a broker: written by a thread, read page by page.

``record`` renders, ``segment`` is one file and its indices, ``log`` a file and those
it was rotated to, ``files`` all of them, ``handler`` what ``logging`` is given,
``audit`` the log of those who rule the house, and ``journal`` all of it together with
how much is said.
"""

"""Did units arrive in the planned shares?"""

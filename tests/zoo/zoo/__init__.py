"""The zoo: right clients of HubSpot, and wrong ones that differ from a right one in the one thing that is wrong."""
